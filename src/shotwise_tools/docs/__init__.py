"""Write the tables of the docs from the files that they describe: `make docs`.

A page has a table between the lines `<!-- begin NAME -->` and `<!-- end NAME -->`. `pages` finds the pages, has a
function make the rows of each name, and writes them. The functions read the template (`template_tables`), the settings
that the code reads (`settings_table`), and commands, routes, limits, make targets and decisions (`project_tables`).
`texts` has the Korean for the pages that end in `.ko.md`, from docs/tables.ko.toml. `links` finds broken links.
"""
