"""What a call pays for declared faults that do not match it.

python bench/faults.py
"""

from timeit import repeat

from kumoi.clock import Clock
from kumoi.doorway import Fault, Faults


def cost(count: int) -> float:
    """Microseconds a call, with so many faults declared."""
    faults = Faults(Clock())
    for number in range(count):
        faults.add(Fault(action="fail", service="dynamodb", operation=f"Get{number}*", resource="orders-*"))

    def call() -> None:
        if faults.active:
            faults.matching(  # as the doorway does at each call
                "000000000000",
                "lambda:checkout",
                "sqs",
                "SendMessage",
                "sqs:queue",
                "arn:aws:sts::000000000000:assumed-role/role/checkout",
                "us-east-1",
            )

    return min(repeat(call, number=100_000, repeat=5)) * 10


def main() -> None:
    for count in (0, 1, 10, 100):
        print(f"{count:>4} faults that match nothing: {cost(count):.2f} µs a call")


if __name__ == "__main__":
    main()
