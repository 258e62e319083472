"""The concepts that `emoji_scenes` draws, with their names in English and Chinese."""

from __future__ import annotations

import dataclasses
import functools
import re

EMOJI_HINT = (
    "Install the images and names with `pip install 'mmkeras[emoji]'`, or draw plain "
    "shapes instead: `emoji_scenes/small_shapes`."
)

# symbol, English singular, English plural, Chinese measure word, Chinese name
_SMALL = """
🐱 cat cats 只 猫
🐶 dog dogs 只 狗
🐭 mouse mice 只 老鼠
🐰 rabbit rabbits 只 兔子
🦊 fox foxes 只 狐狸
🐻 bear bears 头 熊
🐼 panda pandas 只 熊猫
🐷 pig pigs 头 猪
🐮 cow cows 头 牛
🐸 frog frogs 只 青蛙
🐵 monkey monkeys 只 猴子
🐔 chicken chickens 只 鸡
🐧 penguin penguins 只 企鹅
🦉 owl owls 只 猫头鹰
🐝 bee bees 只 蜜蜂
🦋 butterfly butterflies 只 蝴蝶
🐢 turtle turtles 只 乌龟
🐙 octopus octopuses 只 章鱼
🐟 fish fish 条 鱼
🐘 elephant elephants 头 大象
🦒 giraffe giraffes 只 长颈鹿
🌵 cactus cacti 棵 仙人掌
🌲 tree trees 棵 树
🌻 sunflower sunflowers 朵 向日葵
🌹 rose roses 朵 玫瑰
🍄 mushroom mushrooms 个 蘑菇
🍎 apple apples 个 苹果
🍌 banana bananas 根 香蕉
🍇 bunch_of_grapes bunches_of_grapes 串 葡萄
🍓 strawberry strawberries 个 草莓
🍋 lemon lemons 个 柠檬
🥕 carrot carrots 根 胡萝卜
🌽 ear_of_corn ears_of_corn 根 玉米
🍞 loaf_of_bread loaves_of_bread 个 面包
🧀 piece_of_cheese pieces_of_cheese 块 奶酪
🍔 hamburger hamburgers 个 汉堡
🍕 slice_of_pizza slices_of_pizza 块 披萨
🍩 doughnut doughnuts 个 甜甜圈
🎂 cake cakes 个 蛋糕
⚽ football footballs 个 足球
🏀 basketball basketballs 个 篮球
🚗 car cars 辆 汽车
🚌 bus buses 辆 公共汽车
🚲 bicycle bicycles 辆 自行车
🚂 train trains 列 火车
🚀 rocket rockets 枚 火箭
⛵ sailing_boat sailing_boats 艘 帆船
🏠 house houses 座 房子
⏰ alarm_clock alarm_clocks 个 闹钟
📷 camera cameras 台 照相机
📱 mobile_phone mobile_phones 部 手机
💡 light_bulb light_bulbs 个 灯泡
🔑 key keys 把 钥匙
🔨 hammer hammers 把 锤子
✂️ pair_of_scissors pairs_of_scissors 把 剪刀
☂️ umbrella umbrellas 把 雨伞
🎩 top_hat top_hats 顶 礼帽
👟 shoe shoes 只 鞋
🎈 balloon balloons 个 气球
🎸 guitar guitars 把 吉他
"""

_SHAPES = (
    ("circle", "circles", "圆形"),
    ("square", "squares", "正方形"),
    ("triangle", "triangles", "三角形"),
    ("diamond", "diamonds", "菱形"),
    ("star", "stars", "星形"),
    ("cross", "crosses", "十字形"),
)
_SHAPE_COLOURS = (
    ("red", "红色", (214, 40, 40)),
    ("orange", "橙色", (245, 130, 20)),
    ("brown", "棕色", (121, 75, 38)),
    ("black", "黑色", (20, 20, 20)),
    ("purple", "紫色", (122, 40, 160)),
    ("navy", "藏青色", (20, 30, 120)),
    ("teal", "青色", (0, 128, 128)),
    ("olive", "橄榄色", (120, 120, 0)),
    ("crimson", "玫红色", (220, 0, 110)),
    ("lime", "亮绿色", (60, 190, 20)),
)


@dataclasses.dataclass(frozen=True)
class Concept:
    """A kind of object that a scene can contain.

    Args:
        id: string, unique in its set and stable between versions.
        symbol: string, the emoji, or `"shape:<form>:<r>,<g>,<b>"`.
        singular: string, the English name without an article.
        plural: string, the English plural.
        measure: string, the Chinese measure word, e.g. `"只"`.
        zh: string, the Chinese name.
    """

    id: str
    symbol: str
    singular: str
    plural: str
    measure: str
    zh: str


def small_concepts() -> tuple[Concept, ...]:
    """The 60 everyday objects of `emoji_scenes/small`, named by hand."""
    rows = (line.split() for line in _SMALL.strip().splitlines())
    return tuple(
        Concept(
            id=singular,
            symbol=symbol,
            singular=singular.replace("_", " "),
            plural=plural.replace("_", " "),
            measure=measure,
            zh=zh,
        )
        for symbol, singular, plural, measure, zh in rows
    )


def shape_concepts() -> tuple[Concept, ...]:
    """60 coloured shapes, which need no OpenMoji images."""
    return tuple(
        Concept(
            id=f"{colour}_{form}",
            symbol=f"shape:{form}:{','.join(map(str, rgb))}",
            singular=f"{colour} {form}",
            plural=f"{colour} {forms}",
            measure="个",
            zh=f"{colour_zh}{form_zh}",
        )
        for colour, colour_zh, rgb in _SHAPE_COLOURS
        for form, forms, form_zh in _SHAPES
    )


@functools.lru_cache(maxsize=1)
def large_concepts() -> tuple[Concept, ...]:
    """Over 1,000 concepts, named by the `emoji` package (Unicode CLDR names).

    Raises:
        ImportError: if the package `emoji` is not installed.
    """
    try:
        import emoji
    except ImportError as error:
        raise ImportError(
            f"The package `emoji` is not installed. {EMOJI_HINT}"
        ) from error
    emoji.config.load_language("zh")
    concepts = {}
    for symbol, data in sorted(emoji.EMOJI_DATA.items()):
        concept = _concept_from_cldr(symbol, data)
        if concept is not None:
            concepts.setdefault(concept.singular, concept)
    chinese = {}
    for concept in concepts.values():
        chinese.setdefault(concept.zh, concept)
    return tuple(sorted(chinese.values(), key=lambda concept: concept.id))


def concepts_named(name: str) -> tuple[Concept, ...]:
    """Return a set of concepts.

    Args:
        name: string, `"small"`, `"large"` or `"shapes"`.

    Returns:
        Tuple of `Concept`.

    Raises:
        ImportError: if the set is `"large"` and the package `emoji` is not installed.
        ValueError: if the name is unknown.
    """
    sets = {
        "small": small_concepts,
        "large": large_concepts,
        "shapes": shape_concepts,
    }
    if name not in sets:
        raise ValueError(
            f"`name` must be one of {sorted(sets)}. Received: name={name!r}."
        )
    return sets[name]()


# People, hands, flags, keycaps and signs: their names describe the traits of a person
# or a meaning, not an object that can be counted in an image.
_NOT_AN_OBJECT = re.compile(
    r"flag|person|people|man\b|men\b|woman|women|boy|girl|baby|skin|family|couple"
    r"|hand|finger|keycap|button|symbol|sign\b|arrow|hair|clock\b|o.clock|thirty"
    r"|input|medal|japanese|squared|circled|face_with|kiss|mark\b|square\b|circle\b"
    r"|zodiac|aries|taurus|gemini|cancer|leo$|virgo|libra|scorpio|capricorn"
    r"|aquarius|pisces|hash|digit|letter|ideograph|fist|thumbs|role"
)


def _concept_from_cldr(symbol: str, data: dict) -> Concept | None:
    name = data["en"].strip(":").lower()
    zh = data.get("zh", "").strip(":")
    if data["status"] != 2 or len(symbol) > 2 or _NOT_AN_OBJECT.search(name):
        return None
    if symbol[1:] not in ("", "\ufe0f"):
        return None
    plain = " ".join(re.sub(r"[^a-z]", " ", name).split())
    zh = re.sub(r"[^\u4e00-\u9fff]", "", zh)
    if not plain or not zh:
        return None
    return Concept(
        id=plain.replace(" ", "_"),
        symbol=symbol,
        singular=plain,
        plural=_pluralise(plain),
        measure="个",
        zh=zh,
    )


def _pluralise(name: str) -> str:
    if re.search(r"(s|x|z|ch|sh)$", name):
        return name + "es"
    if re.search(r"[^aeiou]y$", name):
        return name[:-1] + "ies"
    return name + "s"
