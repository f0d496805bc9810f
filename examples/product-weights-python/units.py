"""Weights between kilograms and pounds, exactly."""

from decimal import ROUND_HALF_EVEN, Decimal, localcontext

POUND = Decimal("0.45359237")
"""One avoirdupois pound in kilograms: exact by definition."""

PLACES = Decimal("0.000001")
"""What is kept of a weight. Coarser, and a weight that goes out and comes back would be another one."""


def pounds(kilograms: Decimal) -> Decimal:
    """Kilograms as pounds, to six places."""
    with localcontext() as context:
        context.prec = 50
        return (kilograms / POUND).quantize(PLACES, ROUND_HALF_EVEN)


def kilograms(pounds: Decimal) -> Decimal:
    """Pounds as kilograms, to six places."""
    with localcontext() as context:
        context.prec = 50
        return (pounds * POUND).quantize(PLACES, ROUND_HALF_EVEN)
