"""Whether a percentage can be believed: what is said of questions that nothing answers, and of captions that fit.

    python -m tests.benchmarks.chances [--bundle weights/pocket] [--gallery assets/gallery]

Asked as the page asks, with its cut-off. 200 texts match nothing: letters, sentences in other languages and scripts,
emoji of nothing that is photographed, and things that the gallery's captions never name. Of the gallery's own captions
200 are asked with their own picture left out of the count; they are captions that no training has seen where the
gallery is of held-out photos. Names of labels are asked as they are, and a first picture is right if it has the label.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

from algcn.evaluation.unmatched import nonsense
from app.search.query import Query
from app.service import RetrievalService, load_service

COUNT = 200
SEED = 5  # not that of the texts that calibrations are fitted on
LETTERS, ABROAD_COUNT, ELSEWHERE_COUNT, EMOJI_COUNT = 50, 70, 60, 20
ABROAD = """
un perro en la playa; una ciudad de noche; dos caballos en el campo; mi abuela cocina; el cielo está nublado; una
bicicleta vieja; ein Hund am Strand; eine Stadt bei Nacht; zwei Pferde auf der Wiese; meine Oma kocht; der Himmel
ist bewölkt; ein altes Fahrrad; un chien sur la plage; une ville la nuit; deux chevaux dans le pré; ma grand-mère
cuisine; un vieux vélo; un cane sulla spiaggia; una città di notte; due cavalli nel prato; mia nonna cucina; una
vecchia bicicletta; um cachorro na areia; uma cidade à noite; dois cavalos no pasto; minha avó cozinha; een hond in
het zand; een stad bij nacht; twee paarden in de wei; oma kookt; en hund på stranden; en by om natten; to heste på
marken; bedstemor laver mad; koira rannalla; kaupunki yöllä; kaksi hevosta niityllä; mummo laittaa ruokaa; pes na
pláži; město v noci; dva koně na louce; kutya a parton; város éjszaka; két ló a réten; un câine pe plajă; orașul
noaptea; doi cai pe câmp; anjing di pantai; kota di malam hari; dua ekor kuda; sahilde bir köpek; gece şehir;
çayırda iki at; собака на пляже; город ночью; две лошади; бабуся готує; σκύλος στην παραλία; πόλη τη νύχτα; כלב
בחוף; עיר בלילה; كلب على الشاطئ; مدينة ليلا; समुद्र तट पर कुत्ता; शहर रात में; ชายหาด; 해변의 개; 밤의 도시; 海辺の犬; 夜の街;
城市的夜晚; 奶奶做饭
"""
ELSEWHERE = """
guitar; trumpet; saxophone; drum kit; flute; banjo; harmonica; theremin; seahorse; lobster; crab; starfish; penguin;
koala; kangaroo; panda; gorilla; crocodile; cobra; iguana; tortoise; snail; mosquito; spider web; butterfly; bat in
a cave; werewolf; robot; alien; zombie; time machine; rocket launch; space station; planet saturn; asteroid;
waterfall; geyser; canyon; quicksand; iceberg; lighthouse; windmill; colosseum; stonehenge; eiffel tower; taj mahal;
great wall of china; mona lisa; statue of liberty; cathedral organ; courtroom; operating theatre; laboratory; test
tube; syringe; thermometer; mathematics; algebra; poetry; democracy; inflation rate; marketing strategy; javascript;
operating system; password; cryptocurrency; piano concerto; karate; judo; archery; ice hockey goalie; sumo
wrestling; rugby scrum; golf swing; bowling alley; billiards; poker hand; knitting needles; sewing machine;
chainsaw; jackhammer; excavator; bulldozer; tractor beam; hovercraft; zeppelin
"""
EMOJI = "🎸 🎺 🥁 🦑 🦂 🧬 🔬 🪐 ♟ 🥷 🗿 🧿 🪬 ☢ ♾ 🛐 🈂 🔣 🉐 🧮 ⚗ 🩻 🪦 🦕"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, default="weights/pocket")
    parser.add_argument("--gallery", type=Path, default="assets/gallery")
    arguments = parser.parse_args()
    service = load_service(arguments.bundle, arguments.gallery)
    print(f"{arguments.gallery}: {len(service.gallery.items):,} pictures, cut-off {service.cutoff:g} %")
    nothing(service)
    captions(service)
    names(service)


def unanswered(service: RetrievalService) -> dict[str, list[str]]:
    """The texts by kind; those that name a label of the model are no question that nothing answers."""
    captions = " ".join(service.gallery.texts).casefold()
    rng = random.Random(SEED)
    kinds = {
        "letters": (nonsense(LETTERS, SEED), LETTERS),
        "other languages": (_listed(ABROAD), ABROAD_COUNT),
        "things elsewhere": ([text for text in _listed(ELSEWHERE) if text not in captions], ELSEWHERE_COUNT),
        "emoji": (EMOJI.split(), EMOJI_COUNT),
    }
    found = {}
    for kind, (texts, count) in kinds.items():
        texts = [text for text in texts if not service.bundle.label_set.find(text)]
        found[kind] = rng.sample(texts, min(count, len(texts)))
    return found


def nothing(service: RetrievalService) -> None:
    """Ask what nothing answers."""
    surely, shown, count = [], 0, 0
    for kind, texts in unanswered(service).items():
        sure = []
        for text in texts:
            hits = service.search(Query(text, cutoff=None, limit=1)).images
            shown += bool(hits)
            if hits and hits[0].probability > 0.5:
                sure.append(f"{text} {hits[0].probability:.2f}")
        count += len(texts)
        surely += sure
        print(f"  {kind}: {len(texts)} texts, first above 50 %: {len(sure)} ({', '.join(sure)})")
    print(f"{count} texts that match nothing: first above 50 % {len(surely) / count:.3f}, shown {shown / count:.3f}")


def captions(service: RetrievalService) -> None:
    """Ask with captions; the picture that a caption belongs to is not counted."""
    owner = service.gallery.text_owner.tolist()
    chosen = random.Random(SEED).sample(range(len(owner)), min(COUNT, len(owner)))
    shown = sum(
        any(hit.item != owner[text] for hit in service.search(Query(service.gallery.texts[text], cutoff=None)).images)
        for text in chosen
    )
    print(f"{len(chosen)} captions: some other picture shown {shown / len(chosen):.3f}")


def names(service: RetrievalService) -> None:
    """Ask with the names of labels: what the first ten are said to be, and are."""
    said, was = [], []
    for name in service.bundle.label_set.names:
        if any(name in (item.labels or ()) for item in service.gallery.items):
            for hit in service.search(Query(name, limit=10)).images:
                said.append(hit.probability)
                was.append(name in (service.gallery.items[hit.item].labels or ()))
    if said:
        print(f"names of labels: first ten said {sum(said) / len(said):.3f}, were {sum(was) / len(was):.3f}")


def _listed(texts: str) -> list[str]:
    return [" ".join(text.split()) for text in texts.split(";")]


if __name__ == "__main__":
    main()
