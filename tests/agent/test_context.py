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


def test_compaction_keeps_the_last_steps_whole_and_says_how_many_went() -> None:
    context = Context(OPENING, window=1000)
    context.ask(Question(text="Look at all."))
    current = context.messages[-1]
    for number in range(4):
        context.append({"role": "assistant", "content": f"step {number}", "tool_calls": []})
        context.append({"role": "tool", "content": f"{number}" * 300})
    context.compact(current, [])
    opening, question, *steps = context.messages
    assert opening == OPENING[0]
    assert "2 earlier steps of this question are left out." in str(question["content"])
    assert [message["role"] for message in steps] == ["assistant", "tool"] * 2
    assert steps[0]["content"] == "step 2"


def test_compaction_drops_a_last_step_that_alone_is_too_long() -> None:
    context = Context(OPENING, window=1000)
    context.ask(Question(text="Look."))
    current = context.messages[-1]
    context.append({"role": "assistant", "content": "look"})
    context.append({"role": "user", "content": "x" * 5000})
    context.compact(current, [])
    assert len(context.messages) == 2
    assert "1 earlier steps" in str(context.messages[1]["content"])


def test_compaction_keeps_what_the_user_said_once_for_all_and_what_was_decided() -> None:
    context = Context(OPENING, window=1000)
    context.conclude("Prices are in thousands. Always ignore region X. Mean price?", "It is 3.5.")
    context.conclude("Clean it up.", "Done. I dropped 4 rows without a price. The rest is fine.")
    for number in range(8):
        context.conclude(f"What is number {number}?", f"It is {number}.")
    context.ask(Question(text="And the median?"))
    context.compact(context.messages[-1], [])
    text = str(context.messages[-1]["content"])
    assert "- The user said: Prices are in thousands." in text
    assert "- The user said: Always ignore region X." in text
    assert "- Decided: I dropped 4 rows without a price." in text
    for gone in ("Mean price?", "Clean it up", "The rest is fine", "number 1?"):
        assert gone not in text
    assert "number 2?" in text


def test_numbers_that_nothing_computed_do_not_count_as_said() -> None:
    context = Context(OPENING, window=1000)
    context.conclude("Mean?", "It is 12.5, not 2.5 or 12.55.", ungrounded=["2.5"])
    assert context.said() == ["Mean?", "It is 12.5, not … or 12.55."]
