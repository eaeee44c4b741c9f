"""The endpoints that search the gallery."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from gradio import FileData

from algcn.features.encoder import clean_text
from app.api.hits import LIMIT, hits_answer, picture_address
from app.kit.limits import check_flag
from app.kit.pictures import uploaded_file
from app.program import Program
from app.search.export import to_csv
from app.search.query import Query


def api(program: Program) -> list[Callable[..., Any]]:
    """List the endpoints that search the gallery; whatever InputError they raise is what the caller reads."""

    def search_by_text(
        text: str,
        limit: int = LIMIT,
        without: str = "",
        away: float = 0.5,
        labels: list[str] = [],  # noqa: B006  a client sees the default as JSON
        match: Literal["any", "all", "none"] = "any",
        space: Literal["ranking", "encoder"] = "ranking",
        cutoff: float = 0,
        labels_weight: float | None = None,
        written: bool = True,
        details: bool = False,
    ) -> dict[str, Any]:
        """Find the pictures and captions of the gallery nearest to a text.

        Args:
            text: What to look for, in English; about the first 30 words count. A model that reads pictures only takes
                names of its labels.
            limit: How many pictures and how many captions to return, 1 to 500.
            without: Words to steer away from, commas between terms.
            away: 0 to 1; how strongly to steer: 0 not at all; above 0.5 pictures that are given a label named in
                without, or probably show it, are left out, at 1 those that do more likely than not.
            labels: Only pictures with these labels, and captions of such pictures.
            match: Which of the labels they must have: "any", "all" or "none".
            space: "ranking" ranks by the model's rule: the common space, the labels that two items probably share, and
                the encoder, in one score; "encoder" ranks by the encoder alone.
            cutoff: 0 to 100; only results with at least this chance, in percent, of being what was asked for, or, where
                probability is null, that beat at least this share of the gallery. By default nothing is left out: what
                does not match has a small probability, and notice says so.
            labels_weight: 0 to 4; how much shared labels count in the ranking, in the standard deviations of that part,
                beside 1 for the common space: 0 finds the very picture, 4 the same subjects. By default the model's
                own; a model without probabilities of labels has none, and notice says so.
            written: Whether labels that the gallery gives a picture, and captions with the words, count in the ranking
                beside what is seen.
            details: Texts whole instead of their first 160 characters, and of each hit the numbers behind its rank.

        Returns:
            {"query_labels": [{label, score}] (labels that the query names or the model sees in it), "images": [hit],
            "texts": [hit], "probability_of": what every hit's probability is a chance of, or null ("of showing dog"
            where the text names labels, else of sharing a label with it), "did_you_mean": the text with misspelt words
            put right, or null, "notice": sentences or null (which words the model does not know, that nothing matches
            well)}, where a hit is {rank, file, text (a caption found, or the first caption of a picture found),
            labels, probability (calibrated chance, 0 to 1, or null), picture (the address that its picture can be
            fetched from)}. With details a hit also has matched_labels, score (by the model's rule, or the encoder's
            cosine), shares ({common, labels, encoder, written}: what each part gives of the score by the rule, which
            they sum to; null where the encoder alone ranks), says ([{term, by}]: what of the words is written of it, by
            a "label" or a "caption"), looks (labels of the query that the model sees in the picture) and percentile
            (share of the gallery it beats, 0 to 100).
        """
        service, is_whole = program.named_service(), check_flag(details, "details")
        query = Query(
            text=clean_text(text),
            limit=limit,
            without=without,
            away=away,
            labels=labels,
            match=match,
            space=space,
            cutoff=cutoff,
            labels_weight=labels_weight,
            written=written,
        )
        return hits_answer(service, service.search(query), details=is_whole)

    def search_by_image(
        image: FileData,
        limit: int = LIMIT,
        text: str = "",
        weight: float = 0.5,
        without: str = "",
        away: float = 0.5,
        labels: list[str] = [],  # noqa: B006
        match: Literal["any", "all", "none"] = "any",
        space: Literal["ranking", "encoder"] = "ranking",
        cutoff: float = 0,
        labels_weight: float | None = None,
        written: bool = True,
        details: bool = False,
    ) -> dict[str, Any]:
        """Find the pictures and captions of the gallery nearest to a picture, or to a picture and words together.

        Args:
            image: A JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC file.
            limit: How many pictures and how many captions to return, 1 to 500.
            text: Words to mix with the picture; none by default.
            weight: With words: how much of the query the picture is, 0 to 1.
            without: Words to steer away from, commas between terms.
            away: 0 to 1; how strongly, as for search_by_text.
            labels: Only pictures with these labels, and captions of such pictures.
            match: Which of the labels they must have: "any", "all" or "none".
            space: "ranking" or "encoder", as for search_by_text.
            cutoff: 0 to 100, as for search_by_text.
            labels_weight: 0 to 4 or null, as for search_by_text.
            written: Whether what is written of a picture counts, as for search_by_text.
            details: Whole texts and more numbers, as for search_by_text.

        Returns:
            The same as search_by_text; query_labels are the labels predicted for the picture.
        """
        service, is_whole = program.named_service(), check_flag(details, "details")
        query = Query(
            text=text,
            picture=uploaded_file(image, program.uploads),
            weight=weight,
            limit=limit,
            without=without,
            away=away,
            labels=labels,
            match=match,
            space=space,
            cutoff=cutoff,
            labels_weight=labels_weight,
            written=written,
        )
        return hits_answer(service, program.search(service, query), details=is_whole)

    def search_by_item(
        file: str,
        limit: int = LIMIT,
        text: str = "",
        weight: float = 0.5,
        without: str = "",
        away: float = 0.5,
        labels: list[str] = [],  # noqa: B006
        match: Literal["any", "all", "none"] = "any",
        space: Literal["ranking", "encoder"] = "ranking",
        cutoff: float = 0,
        labels_weight: float | None = None,
        written: bool = True,
        details: bool = False,
    ) -> dict[str, Any]:
        """Find more pictures like one of the gallery, and captions that fit it; the picture itself is left out.

        Args:
            file: The file name of a picture of the gallery, as in a hit of another search.
            limit: How many pictures and how many captions to return, 1 to 500.
            text: Words to mix with the picture; none by default.
            weight: With words: how much of the query the picture is, 0 to 1.
            without: Words to steer away from, commas between terms.
            away: 0 to 1; how strongly, as for search_by_text.
            labels: Only pictures with these labels, and captions of such pictures.
            match: Which of the labels they must have: "any", "all" or "none".
            space: "ranking" or "encoder", as for search_by_text.
            cutoff: 0 to 100, as for search_by_text.
            labels_weight: 0 to 4 or null, as for search_by_text.
            written: Whether what is written of a picture counts, as for search_by_text.
            details: Whole texts and more numbers, as for search_by_text.

        Returns:
            The same as search_by_text.
        """
        service, is_whole = program.named_service(), check_flag(details, "details")
        query = Query(
            text=text,
            item=service.find_item(file),
            weight=weight,
            limit=limit,
            without=without,
            away=away,
            labels=labels,
            match=match,
            space=space,
            cutoff=cutoff,
            labels_weight=labels_weight,
            written=written,
        )
        return hits_answer(service, service.search(query), details=is_whole)

    def gallery_picture(file: str) -> dict[str, Any]:
        """Tell all that is known of one picture of the gallery, and where the picture itself can be fetched.

        Args:
            file: The file name of a picture of the gallery, as in a hit of a search.

        Returns:
            {"file", "texts" (its captions, all and whole), "labels", "labels_are_predicted" (true where the gallery
            gives it none and the model's are told), "picture" (the address to fetch it from, at most 1,600 pixels)}.
        """
        service = program.named_service()
        item = service.find_item(file)
        labels, are_predicted = service.item_labels(item)
        return {
            "file": file,
            "texts": list(service.source.items[item].texts),
            "labels": list(labels),
            "labels_are_predicted": are_predicted,
            "picture": picture_address(service, item),
        }

    def predict_labels(image: FileData) -> dict[str, Any]:
        """Name the labels that the model sees in a picture.

        Args:
            image: A JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC file.

        Returns:
            {"labels": [{label, score}]}, the clearest first; score is the cosine of the picture with the label's
            classifier, and only labels above their own threshold are named.
        """
        service, picture = program.named_service(), uploaded_file(image, program.uploads)
        with program.picture_room.place():
            labels = service.predict_labels(picture)
        return {"labels": [{"label": label.name, "score": round(label.score, 6)} for label in labels]}

    def export_csv(
        text: str,
        limit: int = LIMIT,
        without: str = "",
        away: float = 0.5,
        labels: list[str] = [],  # noqa: B006
        match: Literal["any", "all", "none"] = "any",
        space: Literal["ranking", "encoder"] = "ranking",
        cutoff: float = 0,
        labels_weight: float | None = None,
        written: bool = True,
    ) -> dict[str, Any]:
        """Write the results of a text search as a table.

        Args:
            text: What to look for, in English.
            limit: How many pictures and how many captions, 1 to 500.
            without: Words to steer away from, commas between terms.
            away: 0 to 1; how strongly, as for search_by_text.
            labels: Only pictures with these labels, and captions of such pictures.
            match: Which of the labels they must have: "any", "all" or "none".
            space: "ranking" or "encoder", as for search_by_text.
            cutoff: 0 to 100, as for search_by_text.
            labels_weight: 0 to 4 or null, as for search_by_text.
            written: Whether what is written of a picture counts, as for search_by_text.

        Returns:
            {"csv": a table as RFC 4180 has it, with a header; a text that a spreadsheet would take for a formula begins
            with '}.
        """
        query = Query(
            text=clean_text(text),
            limit=limit,
            without=without,
            away=away,
            labels=labels,
            match=match,
            space=space,
            cutoff=cutoff,
            labels_weight=labels_weight,
            written=written,
        )
        return {"csv": to_csv(program.named_service().search(query))}

    return [search_by_text, search_by_image, search_by_item, gallery_picture, predict_labels, export_csv]
