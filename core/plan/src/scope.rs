//! Everything that a session may have to do with: the winners, what may come before them, what
//! conditions are about. Known before anything is detected.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use core_model::id::SoftwareId;
use core_model::library::{
    Deployment, DesiredState, Enforcement, ItemId, Prerequisite, PrerequisiteAction,
};

use crate::block::Block;
use crate::catalogue::Item;
use crate::found::{Failure, FailureClass};
use crate::key::Key;
use crate::order::{Knot, Place, Rank, Vertex, sequence};
use crate::request::{Holds, Request, RunKind, Wanted};

/// What part something has in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A deployment of it wins.
    Winner,
    /// It may come before something, and no deployment of it wins.
    Child,
    /// It configures this one.
    Configuration(usize),
    /// A condition is about it, and nothing is done to it.
    Judged,
}

/// Something that a session may have to do with.
#[derive(Clone, Debug)]
pub(crate) struct Node<'a> {
    pub(crate) key: Key,
    pub(crate) item: Item<'a>,
    pub(crate) rank: Rank,
    pub(crate) role: Role,
    pub(crate) state: DesiredState,
    pub(crate) deployment: Option<(&'a Deployment, &'a str)>,
    /// Why nothing is changed for the deployment's sake.
    pub(crate) held: Option<&'a str>,
    pub(crate) block: Option<Block>,
    /// What may come before it.
    first: BTreeSet<usize>,
}

impl Node<'_> {
    pub(crate) fn title(&self) -> String {
        let title = self.item.title();
        self.key.instance.as_ref().map_or_else(|| title.to_owned(), |of| format!("{title} ({of})"))
    }

    /// The task or software; none where it is the other.
    pub(crate) fn software(&self) -> Option<&core_model::library::Software> {
        match self.item {
            Item::Software(software) => Some(software),
            Item::Task(_) => None,
        }
    }
}

/// Everything that a session may have to do with.
#[derive(Clone, Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) request: Request<'a>,
    pub(crate) nodes: Vec<Node<'a>>,
    pub(crate) by_key: BTreeMap<Key, usize>,
    /// Software that a deployment says is left alone: the deployment.
    pub(crate) ignored: BTreeMap<SoftwareId, &'a str>,
    /// What takes no part, and why.
    pub(crate) left_out: Vec<(Key, String)>,
    /// In which order things are looked at.
    pub(crate) order: Vec<usize>,
    winners: BTreeMap<Key, Wanted<'a>>,
    open: VecDeque<usize>,
}

impl<'a> Scope<'a> {
    pub(crate) fn of(request: Request<'a>) -> Self {
        let mut scope = Self {
            request,
            nodes: Vec::new(),
            by_key: BTreeMap::new(),
            ignored: BTreeMap::new(),
            left_out: Vec::new(),
            order: Vec::new(),
            winners: BTreeMap::new(),
            open: VecDeque::new(),
        };
        scope.sort_winners();
        let keys: Vec<Key> =
            scope.winners.keys().filter(|key| request.run.takes(key)).cloned().collect();
        for key in &keys {
            scope.put_winner(key);
        }
        scope.close();
        scope.settle_order();
        scope
    }

    /// The winners by key, without those that take no part.
    fn sort_winners(&mut self) {
        let mut wanted: Vec<&Wanted<'a>> = self.request.wanted.iter().collect();
        // Of several for one item, which a resolver never gives, always the same counts.
        wanted.sort_by_key(|one| match one.holds {
            Holds::Won { deployment, .. } => (one.key(), Some(deployment.id)),
            Holds::Unknown { .. } => (one.key(), None),
        });
        for one in wanted {
            let key = one.key();
            if let Holds::Won { deployment, .. } = one.holds
                && deployment.state == DesiredState::Ignored
            {
                let why = format!("the deployment `{}` ignores it", deployment.name);
                self.left_out.push((key.clone(), why));
                if let Some(software) = key.software() {
                    self.ignored.insert(software, &deployment.name);
                }
                continue;
            }
            if let Some(why) = self.takes_no_part(&key) {
                self.left_out.push((key, why.to_owned()));
                continue;
            }
            self.winners.entry(key).or_insert(*one);
        }
    }

    /// Why a task takes no part in this kind of run.
    fn takes_no_part(&self, key: &Key) -> Option<&'static str> {
        let Some(Item::Task(task)) = self.request.catalogue.item(key.item) else { return None };
        match self.request.run {
            RunKind::Onboarding { automatic: true } if task.ignored_in_automatic_onboarding => {
                Some("it takes no part in onboarding runs that nobody looks at")
            }
            RunKind::Full | RunKind::DetectOnly if task.onboarding_only => {
                Some("it takes part in onboarding runs only")
            }
            _ => None,
        }
    }

    fn put_winner(&mut self, key: &Key) -> Option<usize> {
        if let Some(at) = self.by_key.get(key) {
            return Some(*at);
        }
        let wanted = *self.winners.get(key)?;
        let Some(item) = self.request.catalogue.item(key.item) else {
            self.left_out.push((key.clone(), "it is not in the library any more".to_owned()));
            return None;
        };
        let (state, deployment, held, block) = match wanted.holds {
            Holds::Won { deployment, why, held } => {
                (deployment.state.clone(), Some((deployment, why)), held, None)
            }
            Holds::Unknown { deployment, why } => {
                let (deployment, why) = (deployment.to_owned(), why.to_owned());
                (DesiredState::Ignored, None, None, Some(Block::Uncertain { deployment, why }))
            }
        };
        let onboarding = deployment.is_some_and(|(deployment, _)| {
            deployment.onboarding_only || deployment.enforcement == Enforcement::Onboarding
        });
        let onboarding = onboarding || matches!(item, Item::Task(task) if task.onboarding_only);
        let first = matches!(self.request.run, RunKind::Onboarding { .. }) && onboarding;
        let rank = item.rank(key, u8::from(!first));
        Some(self.put(Node {
            key: key.clone(),
            item,
            rank,
            role: Role::Winner,
            state,
            deployment,
            held,
            block,
            first: BTreeSet::new(),
        }))
    }

    fn put(&mut self, node: Node<'a>) -> usize {
        let at = self.nodes.len();
        self.by_key.insert(node.key.clone(), at);
        self.nodes.push(node);
        self.open.push_back(at);
        at
    }

    /// Software that something is about; none where it is ignored, or gone from the library.
    fn put_software(&mut self, id: SoftwareId, role: Role) -> Option<usize> {
        let key = Key::item(id);
        if let Some(at) = self.by_key.get(&key).copied() {
            if self.nodes[at].role == Role::Judged && role == Role::Child {
                self.nodes[at].role = Role::Child;
                self.open.push_back(at);
            }
            return Some(at);
        }
        if self.ignored.contains_key(&id) {
            return None;
        }
        if role == Role::Child && self.winners.contains_key(&key) {
            return self.put_winner(&key);
        }
        let item = self.request.catalogue.item(id.into())?;
        let rank = item.rank(&key, 1);
        Some(self.put(Node {
            key,
            item,
            rank,
            role,
            state: DesiredState::AnyVersion,
            deployment: None,
            held: None,
            block: None,
            first: BTreeSet::new(),
        }))
    }

    /// Adds whatever comes before what is there, and what configures it, until nothing is added.
    fn close(&mut self) {
        while let Some(at) = self.open.pop_front() {
            if self.nodes[at].role == Role::Judged || !self.has_prerequisites(at) {
                continue;
            }
            let prerequisites = self.nodes[at].item.prerequisites();
            let mut first = BTreeSet::new();
            for one in prerequisites {
                first.extend(self.before(one));
            }
            self.nodes[at].first.extend(first);
            self.put_configuration(at);
        }
        let judged = |at: &usize| self.nodes[*at].role == Role::Judged;
        let judged: BTreeSet<usize> = (0..self.nodes.len()).filter(judged).collect();
        for node in &mut self.nodes {
            node.first.retain(|at| !judged.contains(at));
        }
    }

    fn before(&mut self, prerequisite: &Prerequisite) -> BTreeSet<usize> {
        let of: BTreeSet<usize> =
            prerequisite.of.iter().filter_map(|id| self.put_software(*id, Role::Judged)).collect();
        match prerequisite.action {
            PrerequisiteAction::Fail => of,
            PrerequisiteAction::Install | PrerequisiteAction::Uninstall => {
                let software = prerequisite.software.iter();
                software.filter_map(|id| self.put_software(*id, Role::Child)).collect()
            }
        }
    }

    fn put_configuration(&mut self, at: usize) {
        let Some(software) = self.nodes[at].software() else { return };
        let (Some(task), of) = (software.configuration, software.id) else { return };
        let key = Key::configuration(task, of);
        if self.by_key.contains_key(&key) {
            return;
        }
        let Some(item) = self.request.catalogue.item(ItemId::Task(task)) else {
            self.left_out.push((key, "it is not in the library any more".to_owned()));
            return;
        };
        let rank = Rank { key: key.clone(), ..self.nodes[at].rank.clone() };
        let (deployment, held) = (self.nodes[at].deployment, self.nodes[at].held);
        self.put(Node {
            key,
            item,
            rank,
            role: Role::Configuration(at),
            state: DesiredState::Enforce,
            deployment,
            held,
            block: None,
            first: [at].into(),
        });
    }

    /// Whether anything must be so before: for what shall be there, and not where it is not known
    /// what shall be.
    fn has_prerequisites(&self, at: usize) -> bool {
        let node = &self.nodes[at];
        node.block.is_none() && node.state != DesiredState::Absent
    }

    /// The order in which things are looked at; those that wait for themselves are blocked.
    fn settle_order(&mut self) {
        let vertices: Vec<Vertex> = self
            .nodes
            .iter()
            .map(|node| Vertex {
                rank: node.rank.clone(),
                first: node.first.clone(),
                place: place(node.role),
            })
            .collect();
        let sequence = sequence(&vertices);
        let titles = |path: &[usize]| path.iter().map(|at| self.nodes[*at].title()).collect();
        let mut blocks = BTreeMap::new();
        for (at, knot) in &sequence.knots {
            let block = match knot {
                Knot::Cycle(path) => Block::Cycle(titles(path)),
                Knot::Behind(next) => {
                    let mut last = *next;
                    while let Some(Knot::Behind(next)) = sequence.knots.get(&last) {
                        last = *next;
                    }
                    let Some(Knot::Cycle(path)) = sequence.knots.get(&last) else { continue };
                    let waits_for = self.nodes[*next].title();
                    Block::BehindCycle { waits_for, cycle: titles(path) }
                }
            };
            blocks.insert(*at, block);
        }
        for (at, block) in blocks {
            self.nodes[at].block = Some(block);
        }
        self.order = sequence.order;
        // What conditions are about is looked at first.
        let judged = (0..self.nodes.len()).filter(|at| self.nodes[*at].role == Role::Judged);
        let mut judged: Vec<usize> = judged.collect();
        judged.sort_by(|a, b| self.nodes[*a].rank.cmp(&self.nodes[*b].rank));
        let placed: BTreeSet<usize> = judged.iter().copied().collect();
        let order = self.order.iter().copied().filter(|at| !placed.contains(at));
        self.order = judged.iter().copied().chain(order).collect();
    }

    /// Why nothing can be said about a piece of software that a prerequisite is about; none where
    /// something can.
    pub(crate) fn no_node(&self, id: SoftwareId) -> Option<Block> {
        if self.by_key.contains_key(&Key::item(id)) {
            return None;
        }
        let title = self.request.catalogue.software(id).map(|software| software.title.clone());
        if let Some(deployment) = self.ignored.get(&id) {
            let needs = title.unwrap_or_else(|| id.to_string());
            let deployment = (*deployment).to_owned();
            return Some(Block::PrerequisiteIgnored { needs, deployment });
        }
        let message = format!("it needs {id}, which is not in the library any more");
        Some(Block::Failure(Failure::new(FailureClass::Definition, message)))
    }
}

pub(crate) fn place(role: Role) -> Place {
    match role {
        Role::Winner => Place::Own,
        Role::Child | Role::Judged => Place::Before,
        Role::Configuration(of) => Place::After(of),
    }
}
