"""The context only grows, goes back only to the question, and compacts near the window's end."""

from __future__ import annotations

from analyst.agent.context import Context, Question

OPENING = ({"role": "system", "content": "rules"},)


def test_a_question_puts_data_first_and_what_to_assign_last() -> None:
    question = Question(text="What is the mean?", data=["df: 3 rows"], value_names=["mean"])
    assert question.compose() == "df: 3 rows\n\nWhat is the mean?\n\nAssign: mean"


def test_the_users_text_goes_in_as_it_is() -> None:
    text = "What is {x} in `{{y}}`, 100 %s?"
    assert Question(text=text).compose() == text


def test_asking_again_keeps_all_before_the_question_and_starts_with_its_text() -> None:
    context = Context(OPENING, window=1000)
    context.ask(Question(text="first"))
    context.append({"role": "assistant", "content": "FINAL: 1"})
    question = Question(text="second")
    context.ask(question)
    sent = list(context.messages)
    context.append({"role": "assistant", "content": "bad code"})
    context.ask_again(question, "A first try failed.")
    assert context.messages[:-1] == sent[:-1]
    assert str(context.messages[-1]["content"]).startswith("second\n\n")
    context.ask_again(question, "A second try failed.")
    assert context.messages[:-1] == sent[:-1]
    assert "second try" in str(context.messages[-1]["content"])
    assert "first try" not in str(context.messages[-1]["content"])


def test_compaction_keeps_opening_question_answers_and_variables() -> None:
    context = Context(OPENING, window=1000)
    context.ask(Question(text="What is the mean of price?"))
    context.append({"role": "assistant", "content": "FINAL: 3.5"})
    context.conclude("What is the mean of price?", "3.5")
    context.ask(Question(text="And the median?"))
    current = context.messages[-1]
    context.tokens = 890
    assert context.needs_compaction(100)
    context.compact(current, ["df: DataFrame (3, 2)"])
    assert context.messages[0] == OPENING[0]
    assert len(context.messages) == 2
    text = str(context.messages[1]["content"])
    for kept in ("mean of price", "3.5", "df: DataFrame (3, 2)", "And the median?"):
        assert kept in text
    assert not context.needs_compaction(100)
