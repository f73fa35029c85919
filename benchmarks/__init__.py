"""Measurements behind the choices of the networks, and the figures that are promised."""
