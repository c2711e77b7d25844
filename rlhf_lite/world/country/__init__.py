"""The next world: prompts from a grammar instead of lists, small talk, and much that nobody there can know.

It will take the place of the modules beside this folder as soon as a chain has been trained in it; until then
nothing uses it. `grammar` says and recognises, `lexicon` has the words, `facts` the truths and myths (those of
today's world), `tasks` the skills with their wordings, answers and checks; `asking` puts prompts together,
`customers` a log of them, `demonstrations` writes what people write, `rubric` judges, `corpus` is the web and
`abilities` what the alignment tax is measured on. What goes wrong in it is found by typing, not by reading.
"""
