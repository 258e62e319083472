from __future__ import annotations

import warnings


def warn_of_skipped(dataset: str, reasons: dict[str, str], left: int) -> None:
    """Says which pictures of a folder a dataset could not take.

    Args:
        dataset: string, named in the warning.
        reasons: dict from the path of a picture to why it was skipped.
        left: int, number of pictures that were not.

    Raises:
        ValueError: if none is left.
    """
    if not reasons and left:
        return
    if not reasons:
        raise ValueError(
            f"{dataset}: the folder has no pictures of the kind that this variant "
            "takes. Unpack the packages again, or take another variant."
        )
    named = "; ".join(f"{path} ({why})" for path, why in list(reasons.items())[:3])
    more = f"; and {len(reasons) - 3} more" if len(reasons) > 3 else ""
    message = f"{dataset}: {len(reasons)} pictures cannot be read: {named}{more}."
    if not left:
        raise ValueError(f"{message} None is left. Unpack the packages again.")
    warnings.warn(f"{message} They were skipped; {left} are left.", stacklevel=2)
