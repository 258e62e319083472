from __future__ import annotations

from collections.abc import Sequence

from mmkeras.metrics.captions.ptb_tokenizer import PTBTokenizer


class JiebaTokenizer:
    """Tokenizes Chinese into words, like AI Challenger's evaluation of captions.

    jieba splits each caption, without its full stops ("。"), into words, and
    `PTBTokenizer` tokenizes these. It needs `pip install "mmkeras[chinese]"`.

    Example:
        ```python
        tokenizer = mmkeras.metrics.JiebaTokenizer()
        tokenizer(["一只狗在草地上奔跑。"])  # ["一只 狗 在 草地 上 奔跑"]
        ```

    Raises:
        ImportError: if jieba is not installed.
    """

    def __init__(self):
        try:
            import jieba
        except ImportError as error:
            raise ImportError(
                "Chinese is split into words by jieba, which is not installed: "
                'pip install "mmkeras[chinese]". Characters need no package: '
                'tokenizer="characters".'
            ) from error
        jieba.setLogLevel("WARNING")
        self._cut = jieba.cut
        self._ptb = PTBTokenizer()

    def __call__(self, captions: Sequence[str]) -> list[str]:
        """Tokenizes captions.

        Args:
            captions: sequence of strings.

        Returns:
            List of strings, tokens separated by spaces.
        """
        texts = (caption.strip().replace("。", "") for caption in captions)
        return self._ptb([" ".join(self._cut(text)) for text in texts])
