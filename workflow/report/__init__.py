"""The report: one self-contained page about the exchange, or about one task, made for a phone.

    read the newest results → gather what the page says, as plain data → write HTML → put in place

`board` and `dossier` gather; `page` and `task_page` write; nothing that they read is trusted.
"""
