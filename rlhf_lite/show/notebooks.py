import os
def fast_mode() -> bool:
    return os.environ.get("RLHF_LITE_FAST", "") not in ("", "0")
