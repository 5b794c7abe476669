"""The subject library: which sprites the model learns, and the words people use for them.

The hundred of COMMON are chosen to look different from each other at 32 pixels and to have a name that everybody knows;
emojibase.py names more. Knows words alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Subject:
    """A nameable thing: `codepoint` finds its picture, `words` are its name (first) and synonyms; `animated` ones
    have a motion of their own."""

    codepoint: str
    words: tuple[str, ...]
    animated: bool = True

    @property
    def name(self) -> str:
        return self.words[0]


def _subject(codepoint: str, words: str) -> Subject:
    return Subject(codepoint, tuple(words.split(", ")))


SUBJECTS: tuple[Subject, ...] = tuple(
    _subject(*line.split(" ", 1))
    for line in """
1f408 cat, kitten
1f415 dog, puppy
1f98a fox
1f981 lion
1f405 tiger
1f43c panda
1f428 koala
1f407 rabbit, bunny
1f416 pig
1f404 cow
1f40e horse, pony
1f418 elephant
1f992 giraffe
1f993 zebra
1f412 monkey
1f42a camel
1f994 hedgehog
1f427 penguin
1f989 owl
1f986 duck
1f414 chicken, hen
1f99c parrot
1f9a9 flamingo
1f438 frog
1f422 turtle, tortoise
1f40d snake
1f40a crocodile, alligator
1f996 dinosaur
1f409 dragon
1f433 whale
1f42c dolphin
1f988 shark
1f420 fish
1f419 octopus
1f980 crab
1f40c snail
1f98b butterfly
1f41d bee, honeybee
1f41e ladybug, ladybird
1f577-fe0f spider
1f34e apple, red apple
1f34c banana
1f34b lemon
1f347 bunch of grapes
1f353 strawberry
1f349 watermelon, slice of watermelon
1f34d pineapple
1f352 cherry
1f955 carrot
1f951 avocado
1f344 mushroom, toadstool
1f354 hamburger, burger
1f355 pizza, slice of pizza
1f32d hot dog
1f369 doughnut, donut
1f366 ice cream, ice cream cone
1f9c1 cupcake
1f697 car, automobile
1f68c bus
1f692 fire engine, fire truck
1f693 police car
1f69c tractor
1f6b2 bicycle, bike
1f682 locomotive, steam train
2708-fe0f airplane, plane
1f681 helicopter
1f680 rocket
26f5 sailboat, sailing boat
1f6f8 flying saucer, ufo
26bd soccer ball, football
1f3c0 basketball
1f388 balloon
1f381 gift, present
1f9f8 teddy bear
1f3b8 guitar
1f941 drum
1f3ba trumpet
1f451 crown
1f511 key
2602-fe0f umbrella
1f3a9 top hat
1f4f7 camera
1f4a1 light bulb
23f0 alarm clock
1f3c6 trophy
1f916 robot
1f47b ghost
26c4 snowman
2b50 star
1f31e sun
1f319 moon, crescent moon
2764-fe0f heart
1f339 rose
1f33b sunflower
1f335 cactus
1f384 christmas tree
1f3e0 house
1f48e diamond, gem
1f383 pumpkin
1f3b2 die
1f525 flame
1f9f2 magnet
2693 anchor
1f514 bell
""".strip().splitlines()
)


@dataclass(frozen=True)
class Library:
    """The subjects of a preset, in an order that scenes are drawn by: new ones come at the end."""

    subjects: tuple[Subject, ...]

    def __len__(self) -> int:
        return len(self.subjects)

    @cached_property
    def words(self) -> dict[str, tuple[str, ...]]:
        """Every subject's name and synonyms, by its name."""
        return {subject.name: subject.words for subject in self.subjects}

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(self.words)


COMMON = Library(SUBJECTS)
