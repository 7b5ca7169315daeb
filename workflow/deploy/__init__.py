"""Publishing a built site: what it is, what is there, what to do about it, and did it work.

content → guards → objects → plan → (approval) → publish → invalidate → verify → delete
"""
