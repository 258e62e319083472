from __future__ import annotations

# What the official table writes out, but for its entries with capital letters, which
# it can never meet in lower-case text.
_WRITTEN_OUT = """
ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've
hasn't haven't he'd he'd've he's how'd how'll how's isn't it'd it'd've it'll ma'am
mightn't mightn't've might've mustn't must've needn't not've o'clock oughtn't 'ow's'at
shan't she'd've should've shouldn't shouldn't've somebody'd've somebody'll somebody's
someone'd someone'd've someone'll someone's something'd something'd've something'll
that's there'd there'd've there're there's they'd they'd've they'll they're they've
'twas wasn't we'd've we've weren't what'll what're what's what've when's where'd where's
where've who'd who'd've who'll who's who've why'll why're why's won't would've wouldn't
wouldn't've y'all y'all'll y'all'd've you'd you'd've you'll you're you've
""".split()


def vqa_contractions() -> dict[str, str]:
    """How the official VQA evaluation writes contractions that lack an apostrophe.

    Returns:
        dict from a word without one of its apostrophes (`"dont"`, `"couldnt've"`,
        `"couldn'tve"`) to the word with it. One entry of the official table goes the
        other way, `"somebody'd"` to `"somebodyd"`, and so it does here.

    Reference:
        - [Official evaluation](https://github.com/GT-Vision-Lab/VQA)
    """
    table = {
        word[:place] + word[place + 1 :]: word
        for word in _WRITTEN_OUT
        for place, letter in enumerate(word)
        if letter == "'"
    }
    return table | {"somebody'd": "somebodyd"}
