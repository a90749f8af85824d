//! What to do about a subscription, from what the store knows of it and what the system has. Pure.

use core_connector::Subscription;
use core_store::SubscriptionRow;

/// How one should be.
pub(super) struct Wanted<'a> {
    /// What it tells of.
    pub(super) topic: &'a str,
    /// To where.
    pub(super) url: &'a str,
    /// What it is made with.
    pub(super) mark: &'a str,
    /// Now, Unix microseconds.
    pub(super) now_us: i64,
    /// For how long one is made, microseconds.
    pub(super) life_us: i64,
}

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Ends these first: there is never a second one.
    pub(super) remove: Vec<String>,
    pub(super) step: Step,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It is as it should be.
    Leave(Subscription),
    /// It goes on.
    Renew(String),
    /// There is none.
    Make,
}

/// One is ours by where it tells to, or by its id. Of ours only the one that the store knows is kept: of
/// another one nobody knows which secret it repeats, and what it tells of the end of its life.
pub(super) fn plan(
    row: Option<&SubscriptionRow>,
    there: &[Subscription],
    wanted: &Wanted<'_>,
) -> Plan {
    let is_known = |one: &Subscription| row.is_some_and(|row| row.id.as_ref() == Some(&one.id));
    let is_good = |one: &Subscription| {
        is_known(one)
            && one.url == wanted.url
            && one.topic == wanted.topic
            && row.is_some_and(|row| row.mark == wanted.mark)
    };
    let is_ours =
        |one: &&Subscription| is_known(one) || (one.url == wanted.url && one.topic == wanted.topic);
    let good = there.iter().find(|one| is_good(one));
    let others = there.iter().filter(is_ours).filter(|one| Some(*one) != good);
    let remove = others.map(|one| one.id.clone()).collect();
    let step = match good {
        None => Step::Make,
        Some(good) => {
            let is_asked = row.is_some_and(|row| row.asked);
            // At half its life, so that a hub that was down for a while still comes in time.
            let is_due = good.ends_us - wanted.now_us < wanted.life_us / 2;
            match is_asked || is_due {
                true => Step::Renew(good.id.clone()),
                false => Step::Leave(good.clone()),
            }
        }
    };
    Plan { remove, step }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://hub.example/webhooks/entra";

    fn there(id: &str, url: &str, ends_us: i64) -> Subscription {
        Subscription { id: id.to_owned(), topic: "users".to_owned(), url: url.to_owned(), ends_us }
    }

    fn row(id: &str, mark: &str, asked: bool) -> SubscriptionRow {
        let (id, mark) = (Some(id.to_owned()), mark.to_owned());
        SubscriptionRow { id, mark, asked, ..SubscriptionRow::default() }
    }

    fn decide(row: Option<&SubscriptionRow>, there: &[Subscription]) -> (Vec<String>, Step) {
        let wanted = Wanted { topic: "users", url: URL, mark: "m", now_us: 1_000, life_us: 100 };
        let plan = plan(row, there, &wanted);
        (plan.remove, plan.step)
    }

    #[test]
    fn it_is_left_until_half_its_life_is_over_and_then_renewed() {
        let known = row("a", "m", false);
        let fresh = there("a", URL, 1_050);
        let one = std::slice::from_ref(&fresh);
        assert_eq!(decide(Some(&known), one), (vec![], Step::Leave(fresh.clone())));
        let due = there("a", URL, 1_049);
        assert_eq!(decide(Some(&known), &[due]), (vec![], Step::Renew("a".into())));
        let asked = row("a", "m", true);
        assert_eq!(decide(Some(&asked), one), (vec![], Step::Renew("a".into())));
    }

    #[test]
    fn what_is_gone_is_made_again_and_what_is_not_ours_is_left_alone() {
        let known = row("a", "m", false);
        let others = [
            there("x", "https://other.example/n", 1_090),
            Subscription { topic: "groups".into(), ..there("y", URL, 1_090) },
        ];
        assert_eq!(decide(Some(&known), &others), (vec![], Step::Make));
        assert_eq!(decide(None, &others), (vec![], Step::Make));
    }

    #[test]
    fn what_nobody_noted_or_was_made_otherwise_is_replaced_and_never_doubled() {
        // Made, and its process died before it was noted.
        assert_eq!(decide(None, &[there("a", URL, 1_090)]), (vec!["a".into()], Step::Make));
        let known = row("a", "m", false);
        let two = [there("b", URL, 1_099), there("a", URL, 1_090)];
        assert_eq!(decide(Some(&known), &two), (vec!["b".into()], Step::Leave(two[1].clone())));
        // Another secret, another address.
        let old = row("a", "old", false);
        assert_eq!(decide(Some(&old), &two[1..]), (vec!["a".into()], Step::Make));
        let elsewhere = [there("a", "https://old.example/webhooks/entra", 1_090)];
        assert_eq!(decide(Some(&known), &elsewhere), (vec!["a".into()], Step::Make));
    }
}
