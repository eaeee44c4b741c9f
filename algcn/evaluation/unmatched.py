"""Texts that match no picture: what a calibration learns from that a search can also find nothing.

Captions of held-out pictures are answered by some picture nearly always, so a chance fitted on them alone promises
something to every question. These are the other questions people ask: of things that are hardly ever photographed or in
no collection of snapshots, in other languages and scripts, and of letters that mean nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

from algcn.method.labels import LabelSet

# What a collection of everyday photographs has not; a text that names a label of the collection is left out.
ELSEWHERE = """
violin; cello; accordion; harpsichord; bagpipes; xylophone; trombone; microscope; telescope; stethoscope; periscope;
gyroscope; submarine; spacecraft; astronaut; satellite; rover on mars; galaxy; nebula; black hole; comet; volcano; lava;
glacier; stalactite; coral reef; jellyfish; octopus; squid; shark; whale; dolphin; scorpion; tarantula; centipede;
hedgehog; armadillo; platypus; walrus; narwhal; chameleon; dinosaur; fossil; mammoth; dragon; unicorn; mermaid; wizard;
vampire; ghost; pyramid; sphinx; parthenon; gladiator; samurai; pharaoh; viking; crusader; guillotine; catapult; cannon;
hand grenade; machine gun; battleship; tank; bayonet; trench; barbed wire; oil rig; blast furnace; nuclear reactor;
loom; spinning wheel; anvil; lathe; chemical formula; periodic table; molecule; bacteria; blood cells; dna; x-ray of a
chest; brain scan; heart surgery; embryo; skeleton; wheelchair ramp in a courthouse; parliament; election; referendum;
inflation; interest rates; tax return; stock exchange; bankruptcy; quarterly earnings report; software update; database
index; machine learning; source code; encryption; wireless protocol; the theory of relativity; quantum mechanics;
differential equations; prime numbers; philosophy of mind; the french revolution; the second world war; the roman
empire; shakespeare; mozart; napoleon; einstein; abraham lincoln; a portrait of a queen; oil painting of a battle;
cave painting; stained glass; mosaic of a saint; ancient manuscript; hieroglyphs; sheet music; opera; ballet; orchestra
conductor; puppet theatre; chess tournament; fencing; sumo; polo; javelin; gymnast on the rings; boxing ring; bobsleigh;
beekeeper; blacksmith; coal miner; scuba diver; parachutist; hot lava; tornado; earthquake ruins; avalanche; northern
lights; solar eclipse; microchip; circuit board; typewriter; gramophone; hourglass; compass; sextant; suit of armour;
treasure chest; crown jewels; voodoo doll; totem pole; igloo; yurt; pagoda; minaret; oasis; cactus; papyrus; bonsai
"""
ABROAD = """
una mujer con un libro; el perro duerme; dos hombres en la cocina; la calle de noche; un gato negro; niños jugando;
comida en la mesa; ein Mann mit einem Hut; zwei Frauen auf der Straße; der Hund läuft; ein rotes Auto; Kinder spielen im
Garten; Essen auf dem Tisch; die Katze schläft; un homme avec un chapeau; deux femmes dans la rue; le chien court; une
voiture rouge; des enfants jouent; un repas sur la table; le chat dort; un uomo con il cappello; due donne in strada; il
cane corre; una macchina rossa; bambini in spiaggia; um homem com chapéu; duas mulheres na rua; o gato dorme; crianças
na praia; een man met een hoed; twee vrouwen op straat; de hond rent; een rode auto; kinderen op het strand; en man med
hatt; två kvinnor på gatan; hunden springer; en röd bil; mężczyzna w kapeluszu; dwie kobiety na ulicy; czerwony
samochód; şapkalı bir adam; sokakta iki kadın; kırmızı araba; мужчина в шляпе; собака бежит; красная машина; дети на
пляже; ο σκύλος τρέχει; κόκκινο αυτοκίνητο; 帽子をかぶった男; 犬が走る; 赤い車; 一只狗在海滩上; 红色的汽车; 街上的女人;
رجل يرتدي قبعة; سيارة حمراء; कुत्ता दौड़ रहा है; लाल गाड़ी
"""
LETTERS = 60  # texts of letters that mean nothing
_VOWELS, _CONSONANTS, _KEYS = "aeiou", "bcdfghjklmnpqrstvwxz", "qwertyuiopasdfghjklzxcvbnm"


def unmatched_texts(label_set: LabelSet) -> list[str]:
    """All of these texts that name none of some labels, the same at every call."""
    texts = [*_listed(ELSEWHERE), *_listed(ABROAD), *nonsense(LETTERS)]
    return [text for text in texts if not label_set.find(text)]


def nonsense(count: int, seed: int = 0) -> list[str]:
    """Make texts of one to three words of random letters: half can be pronounced, half are keys struck at random."""
    rng = random.Random(seed)

    def word(number: int) -> str:
        length = rng.randint(3, 9)
        if number % 2:
            return "".join(rng.choice((_CONSONANTS, _VOWELS)[place % 2]) for place in range(length))
        return "".join(rng.choice(_KEYS) for _ in range(length))

    return [" ".join(word(number) for _ in range(rng.randint(1, 3))) for number in range(count)]


def _listed(texts: str) -> Iterable[str]:
    return (" ".join(text.split()) for text in texts.split(";"))
