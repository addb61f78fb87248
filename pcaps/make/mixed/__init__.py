"""The mixed plant, Lakeside water works: all stacks together in network namespaces, five levels, two routers, four mirror ports.

`places` says who is where, `record` puts it together; `controllers`, `gateway`, `stations`, `intruder` and `office` are what hosts play.
"""
