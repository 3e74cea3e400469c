"""The demand letter (需求函) of a whistle: who shall do what, where, until when; to be printed."""

from gridsvc.maps.demand_letter.reading import Letter, letter_page, read_letter

__all__ = ["Letter", "letter_page", "read_letter"]
