#!/usr/bin/env python3
# Copyright 2024 Nobody
"""Fetches pages, politely.

Longer words follow.
"""
import time  # TODO: use monotonic

TEXT = "# TODO: not a comment"


class Fetcher:
    def run(self, pages):
        for page in pages:
            if page.ready:
                with page.open() as stream:
                    for line in stream:
                        if line:
                            while line.more():
                                # FIXME(bob): never ends
                                line = line.next(a_rather_long_argument=1, another_rather_long_argument=2, and_one_more_of_them=3)
