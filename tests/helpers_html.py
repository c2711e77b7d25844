"""Texts that would like to be more than text, and what a browser would see of them."""

import html.parser

NASTY = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "</pre></td></table><script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "' onmouseover='alert(1)",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<style>body{display:none}</style><!--",
    "[click](javascript:alert(1)) **bold** `code` # title",
    r"$\href{javascript:alert(1)}{x}$ \(a\) $$\unicode{x3c}$$",
    "\x00\x07\x08\x1b[31mred\x1b[0m\x7f\x9b31m",
    "user\u202egnp.exe \u2066hidden\u2069 \u200fשלום",
    "\ud800 lone \ufeff zero\u200bwidth",
    "line\nline\r\nline\ttab",
]
# that may stand around a text
TAGS = set("div pre span table tbody thead caption tr th td b br i small".split())


class Reader(html.parser.HTMLParser):
    """Collects what a browser would see: tags, attributes, and the text with the tag it stands in."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text, self.inside, self._open = set(), set(), "", [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        if tag not in ("br", "img"):
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag, "tags do not nest"

    def handle_data(self, data):
        self.text += data
        if "$" in data or "\\" in data:
            self.inside.append("pre" in self._open)
