"""The forms of questions that need no code: how definitions, and what was said, are asked for.

Here: regular expressions for text in lower case without its final mark. Each is matched against
the whole of a question, so that a condition, a column or a number more makes it another question.
Not here: what follows from a match (:mod:`analyst.agent.direct.kinds`).
"""

from __future__ import annotations

import re

from analyst.agent.direct.concepts import ABBREVIATIONS, is_named, is_term

_SLOT = r"[\w' /-]+?"
_TERM = rf"(?P<term>{_SLOT})"
_OTHER = rf"(?P<other>{_SLOT})"
_NAMED = rf"(?:the (?:concept of|concept|term|word) )?(?P<named>{_SLOT})"
_YOU = r"(?:i|you|one|we|people)"
_KNOWN = {
    "term": is_term,
    "other": is_term,
    "named": is_named,
    "letters": ABBREVIATIONS.__contains__,
}
_DEFINITIONS = tuple(
    re.compile(form)
    for form in (
        rf"(?:what|what exactly) (?:is|are) {_TERM}",
        rf"what(?:'s|s) {_TERM}",
        rf"what does {_NAMED} mean",
        rf"what does {_TERM} (?:measure|show|tell (?:us|me|you)|do)",
        rf"what is meant by {_NAMED}",
        rf"what is the (?:definition|meaning) of {_NAMED}",
        rf"(?:(?:explain|describe) (?:to me )?)?what {_NAMED} (?:is|are|means?|measures?|does)",
        rf"explain the (?:concept of|idea of|meaning of|concept|term) {_NAMED}",
        rf"define the term {_NAMED}",
        rf"how (?:do|does|should|would|can) {_YOU} (?:interpret|read) {_TERM}",
        rf"how (?:is|are) {_TERM} (?:defined|interpreted)",
        rf"how does {_TERM} work",
        rf"(?:when|why) (?:do|does|should|would) {_YOU} use {_TERM}",
        rf"when (?:do|does|should) {_YOU} use {_TERM} (?:instead of|rather than|or|over) {_OTHER}",
        rf"what is the difference between {_TERM} and {_OTHER}",
        rf"(?:how|in what way) (?:does|do|is|are) {_TERM} (?:differ|different) from {_OTHER}",
        r"what does (?P<letters>[a-z]{2,5}) (?:stand for|mean)",
    )
)


def asks_for_definition(text: str) -> bool:
    """Whether a question asks for the meaning of words that have one, and for nothing else."""
    for form in _DEFINITIONS:
        found = form.fullmatch(text)
        if found is not None and all(
            _KNOWN[slot](words) for slot, words in found.groupdict().items()
        ):
            return True
    return False


_SAID = (
    r"(?:that|this|it|(?:the|your) (?:last )?(?:answer|result|reply|conclusion)|the above|"
    r"what you said)"
)
_ANSWER = r"(?:(?:the|your) (?:last )?(?:answer|reply|conclusion)|what you said)"
_TEXT = rf"(?:that|the above|{_ANSWER})"
_COUNT = r"(?:one|two|three|four|five|a|a few|few|fewer|\d{1,2})"
_LANGUAGE = (
    r"(?:english|german|french|spanish|italian|portuguese|dutch|polish|turkish|russian|ukrainian|"
    r"arabic|hindi|chinese|japanese|korean|swedish|danish|norwegian|finnish|greek|czech)"
)
_LENGTH = (
    rf"in (?:just |only |no more than |at most |about )?{_COUNT} (?:short |single |simple |plain )?"
    r"(?:sentences?|words|lines?|bullet points?|bullets|paragraphs?)"
)
_MANNER = (
    rf"(?:{_LENGTH}"
    r"|in (?:very )?(?:plain|simple|simpler|other|layman's|everyday|non-technical) "
    r"(?:english|words|terms|language)"
    r"|in short|in brief|briefly|more (?:briefly|simply|concisely|clearly)|shorter|simpler"
    r"|as (?:a )?(?:bullet points|bullets|bullet list|list|one sentence|single sentence|headline)"
    r"|(?:for|to) (?:a|my|an) (?:layperson|lay person|layman|manager|boss|child|beginner|"
    r"non-expert|five-year-old|executive))"
)
_REPHRASINGS = (
    (
        rf"(?:say|put|phrase|word|state|rephrase|reword|repeat|shorten|explain|express) {_SAID} "
        rf"(?:again |once more |please )?{_MANNER}"
    ),
    rf"(?:give|tell|write) me (?:{_TEXT}|it|this) (?:again |once more )?{_MANNER}",
    rf"(?:summari[sz]e|sum up|condense) {_TEXT} {_MANNER}",
    rf"(?:summari[sz]e|sum up|repeat) {_ANSWER}(?: again| once more)?",
    rf"(?:rephrase|reword|shorten) {_SAID}",
    r"(?:say|explain) (?:that|it) (?:again|once more)",
    rf"(?:translate|put|say) {_SAID} (?:in|into|to) {_LANGUAGE}",
    rf"(?:make {_TEXT} )?(?:shorter|simpler|briefer)",
    rf"{_LENGTH}|in short|in plain english|tl;?dr",
    r"what does (?:that|this|it|the answer|your answer) mean",
)
_RECALLINGS = (
    (
        r"what (?:was|is) (?:your|the) (?:last |previous |first |earlier )?answer"
        r"(?: again| before| then)?"
    ),
    (
        r"what (?:was|were) (?:that|it|the (?:result|value|number|figure|values|numbers|figures|"
        r"conclusion)) again"
    ),
    r"what did you (?:just )?(?:say|answer|reply|conclude)(?: again| before| earlier| just now)?",
    r"what did i (?:just )?ask(?: you)?(?: again| before| earlier| first| last| just now)?",
    r"what was my (?:last|first|previous|earlier) question",
    (
        r"remind me (?:of (?:your|the) (?:last |previous )?answer"
        r"|what (?:you|i) (?:said|asked|answered|concluded))(?: again| before| earlier)?"
    ),
)
_THEM = r"(?:the two|both|them|those|these|those two|these two)"
_HIGHER = r"(?:larger|bigger|higher|greater|smaller|lower)"
_HIGHEST = r"(?:largest|biggest|highest|greatest|smallest|lowest)"
_COMPARISONS = (
    (
        rf"which(?: one)?(?: of {_THEM})? (?:is|was|are|were) (?:the )?{_HIGHER}"
        rf"(?: one| of {_THEM})?"
    ),
    rf"which(?: one)? of {_THEM} (?:is|was|are|were) (?:the )?{_HIGHEST}",
    rf"which (?:is|was) the {_HIGHER}(?: one)?(?: of {_THEM})?",
)
FOLLOW_UP = re.compile("|".join((*_REPHRASINGS, *_RECALLINGS)))
COMPARISON = re.compile("|".join(_COMPARISONS))

COURTESY = re.compile(
    r"(?:hi|hello|hey|good (?:morning|afternoon|evening))(?: there)?"
    r"|(?:many )?thanks(?: a lot| so much| again)?|thank you(?: very much| so much)?"
    r"|who are you|what are you|what can you do|what can i ask(?: you)?"
)

BEFORE = re.compile(
    r"^(?:(?:please|ok|okay|thanks|great|fine|hm+|and|so|now|hey|hi|well|sorry|"
    r"quick question|one question|in statistics|remind me|just curious|"
    r"(?:can|could|would) you(?: please)?|i have a question|tell me)[,:;.!]* )+"
)
POLITE = re.compile(r"(?:[,;]? (?:please|thanks|thank you|for me))+$")
AFTER = re.compile(
    r"(?:[,;]? (?:please|exactly|again|in general|in statistics|in simple (?:words|terms)|"
    r"in plain english|in a nutshell|briefly|in one sentence|actually))+$"
)
