"""The most from a few minutes of one GPU on a bare machine.

pack     here: weights, and what is learnt from, as a folder that travels
run      there: trains until the minutes are over; needs JAX, Flax, Optax
unpack   here: a bundle of the part that came back
"""
