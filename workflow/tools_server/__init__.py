"""The commands as tools of the Model Context Protocol, served over stdin and stdout.

    tools       which there are, what each takes, and the command that each calls
    arguments   whether a call has what the tool takes
    answers     a command's reply as a tool's answer, kept short
    approving   what a person is asked before a plan is approved, and what their answer means
    server      the protocol, with the official SDK: the one module that imports it

https://modelcontextprotocol.io/specification
"""
