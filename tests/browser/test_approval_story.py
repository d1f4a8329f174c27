"""One approval from the link to the stored profile."""

from browser_tab import NEW, SIGNED_OUT, Tab


async def test_a_person_reviews_and_approves(tab: Tab) -> None:
    """What is written is what was shown."""
    await tab.open({**NEW, "from": "Zendesk ticket 4711"})
    await tab.sign_in()
    await tab.sees("Approve this change?")
    await tab.page.screenshot(path="/tmp/work/page-shots/review.png", full_page=True)
    await tab.approve()
    await tab.page.screenshot(path="/tmp/work/page-shots/done.png", full_page=True)
    (written,) = tab.writes
    assert {field: written[field.title()] for field in NEW} == NEW
    assert tab.said == []
    assert SIGNED_OUT
