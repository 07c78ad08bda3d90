"""Dag runs of a whole stack whose scheduler, task or database is killed."""


def run(folder, seed, number):
    return []
