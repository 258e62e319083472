"""TFDS builders, registered with TFDS on import, and evaluators of their data."""

from mmkeras.datasets.concepts import Concept, concepts_named
from mmkeras.datasets.easy_vqa import EasyVqa
from mmkeras.datasets.emoji_scenes import EmojiScenes, EmojiScenesConfig
from mmkeras.datasets.emoji_styles import EmojiStyles, EmojiStylesConfig
from mmkeras.datasets.judge_caption import CaptionVerdict, judge_caption
from mmkeras.datasets.open_clip_art import OpenClipArt, OpenClipArtConfig
from mmkeras.datasets.scene import Scene, SceneObject
from mmkeras.datasets.scene_hallucination import scene_hallucination
from mmkeras.datasets.scene_renderer import SceneRenderer
from mmkeras.datasets.scene_sampler import SceneSampler, is_held_out
from mmkeras.datasets.true_captions import true_captions
from mmkeras.datasets.tuxpaint_stamps import TuxpaintStamps, TuxpaintStampsConfig

__all__ = [
    "CaptionVerdict",
    "Concept",
    "EasyVqa",
    "EmojiScenes",
    "EmojiScenesConfig",
    "EmojiStyles",
    "EmojiStylesConfig",
    "OpenClipArt",
    "OpenClipArtConfig",
    "Scene",
    "SceneObject",
    "SceneRenderer",
    "SceneSampler",
    "TuxpaintStamps",
    "TuxpaintStampsConfig",
    "concepts_named",
    "is_held_out",
    "judge_caption",
    "scene_hallucination",
    "true_captions",
]
