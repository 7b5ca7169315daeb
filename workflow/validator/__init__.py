"""The validator: links and search engines' basics over a built site, each page read once.

    files/      a folder → facts of each file, kept by content
    pages/      HTML → facts; a finding → its place in the source
    links/      an address → where it leads in this site, and what is wrong with it
    seo/        what search engines and visitors need, on a page and across the site
    external/   links to other hosts, if somebody wants them asked
    content/    the Markdown that the site is made from

and here the way from facts to a report: `validation` reads, holds the site against all `rules`,
grades what they find (`grading`, `baseline`), groups it by `causes`, finds their places in the
`sources`, and `reporting` and `sarif` tell it.
"""
