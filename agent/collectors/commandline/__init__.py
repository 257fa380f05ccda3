"""What command lines say, per dialect: pure functions from lines of text to facts.

A parser knows exactly the forms that it names. A line that stands where a value is expected and has another form makes
the whole topic `unsupported`: what a device says in words that nobody has checked is not interpreted.
"""
