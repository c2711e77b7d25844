import json
class Table:
    def __init__(self, columns): self.columns = columns
    def to_pylist(self):
        names = list(self.columns)
        return [dict(zip(names, row)) for row in zip(*self.columns.values())]
def read_table(path, columns=None):
    with open(path) as f: found = json.load(f)
    return Table({n: found[n] for n in (columns or found)})
