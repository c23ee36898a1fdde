"""The same problem again and again: what one call learns helps the next.

The memory keeps which prefixes lead nowhere and what the model said there. So later calls forward
less, and the upper bound on the valid mass comes down towards it.
"""

import condit

PROMPT = [
    {"role": "user", "content": "Think of a day in 2024. Answer with the date like 2024-05-17."}
]
DATE = condit.regex("2024-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")


def main() -> None:
    """Draw dates in eight calls with one memory."""
    model = condit.load("smollm2")
    memory = condit.Memory()
    for call in range(8):
        result = condit.generate(
            model, PROMPT, DATE, n=4, max_tokens=16, sampler="learned", seed=call, memory=memory
        )
        bound = result.report.log_upper_bound
        new = result.stats.positions_forwarded - result.stats.prompt_tokens
        print(
            f"call {call}: {new:3d} positions forwarded beyond the prompt, "
            f"log evidence {result.log_evidence:6.2f}, surely at most {bound:6.2f}: "
            f"{', '.join(sample.text for sample in result.samples)}"
        )
    print(memory)


if __name__ == "__main__":
    main()
