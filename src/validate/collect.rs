//! Looks at a document while it is read: its top, what has to stand in it, and its records.

use super::demands::{Demands, steps};
use super::examined::{About, Examined, Place};
use super::json::{Container, Scalar, Visit};
use super::records::{KEY, Records};
use crate::manifest::Root;

/// Watches for what is demanded.
pub(super) struct Collector<'d> {
    demands: Demands<'d>,
    root: Option<Top>,
    required: Vec<(&'d str, Vec<String>, bool)>,
    records: Option<Vec<String>>,
    /// The steps to the value at hand, as deep as anybody asks.
    path: Vec<Step>,
    depth: usize,
    deepest: usize,
    collection: Collection,
    found: Records<'d>,
    /// The record at hand has its name.
    is_named: bool,
    /// The value at hand names the record.
    is_name: bool,
}

/// What a document's top is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Top {
    Container(Root),
    Scalar,
}

#[derive(Default)]
struct Step {
    is_list: bool,
    /// Of a list: the number of the item at hand, from 1; 0 before the first.
    index: u64,
    key: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Collection {
    NotSeen,
    Open(Container),
    Ended,
    /// Something else stands there.
    Odd,
}

impl<'d> Collector<'d> {
    pub fn new(demands: &Demands<'d>) -> Self {
        let required: Vec<_> =
            demands.required.iter().map(|pointer| (pointer.as_str(), steps(pointer), false)).collect();
        let records = demands.records.map(steps);
        let longest = required.iter().map(|(_, steps, _)| steps.len()).max().unwrap_or(0);
        let deepest = longest.max(records.as_ref().map_or(0, |steps| steps.len() + 1));
        Self {
            demands: *demands,
            root: None,
            required,
            records,
            path: Vec::new(),
            depth: 0,
            deepest,
            collection: Collection::NotSeen,
            found: Records::new(demands.wanted),
            is_named: false,
            is_name: false,
        }
    }

    /// Says what was found in a document that could be read.
    pub fn finish(self, examined: &mut Examined) {
        if let (Some(wanted), Some(top)) = (self.demands.root, self.root)
            && top != Top::Container(wanted)
        {
            let what = format!("the document is {}, not an {}", top.name(), wanted.word());
            examined.faults.about(About::Demand, Place::Whole, what);
        }
        for (pointer, ..) in self.required.iter().filter(|(.., found)| !found) {
            examined.faults.about(About::Demand, Place::Pointer((*pointer).to_owned()), "is missing");
        }
        let none = |why: &str, examined: &mut Examined| {
            let place = Place::Pointer(self.demands.records.unwrap_or_default().to_owned());
            examined.faults.about(About::Demand, place, format!("there are no records: {why}"));
        };
        match self.collection {
            _ if self.records.is_none() => {}
            Collection::Open(_) | Collection::Ended => self.found.finish(self.demands.key, examined),
            Collection::NotSeen => none("nothing stands here", examined),
            Collection::Odd => none("this is no array and no object", examined),
        }
    }

    /// Returns whether the document is a lone text, number or word.
    pub fn is_scalar(&self) -> bool {
        self.root == Some(Top::Scalar)
    }

    /// Returns whether a record's fields stand at this depth.
    fn is_record(&self) -> bool {
        let is_within = |steps: &Vec<String>| self.depth == steps.len() + 2;
        matches!(self.collection, Collection::Open(_)) && self.records.as_ref().is_some_and(is_within)
    }

    /// A value begins: a container, or a scalar.
    fn arrive(&mut self, container: Option<Container>) {
        if self.depth == 0 && self.root.is_none() {
            self.root = Some(container.map_or(Top::Scalar, Top::of));
        }
        let path = &self.path[..self.depth];
        for (_, steps, found) in &mut self.required {
            *found = *found || stands_at(path, steps);
        }
        let Some(records) = &self.records else { return };
        match self.collection {
            Collection::NotSeen if stands_at(path, records) => {
                self.collection = container.map_or(Collection::Odd, Collection::Open);
            }
            Collection::Open(kind) if self.depth == records.len() + 1 => {
                self.found.count += 1;
                self.is_named = kind == Container::Object;
                if self.is_named {
                    self.found.name(KEY, &path[self.depth - 1].key);
                } else if container != Some(Container::Object) {
                    self.found.nameless();
                    self.is_named = true;
                }
            }
            _ => {}
        }
    }
}

fn stands_at(path: &[Step], steps: &[String]) -> bool {
    path.len() == steps.len()
        && path
            .iter()
            .zip(steps)
            .all(|(at, step)| if at.is_list { (at.index - 1).to_string() == *step } else { at.key == step.as_bytes() })
}

impl Top {
    fn of(container: Container) -> Self {
        Self::Container(match container {
            Container::Object => Root::Object,
            Container::List => Root::Array,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Container(Root::Object) => "an object",
            Self::Container(Root::Array) => "an array",
            Self::Scalar => "a single value",
        }
    }
}

impl Visit for Collector<'_> {
    fn open(&mut self, container: Container) {
        self.is_name = false;
        if self.depth <= self.deepest {
            self.arrive(Some(container));
            if self.path.len() == self.depth {
                self.path.push(Step::default());
            }
            self.path[self.depth].is_list = container == Container::List;
            self.path[self.depth].index = 0;
        }
        self.depth += 1;
    }

    #[inline]
    fn key(&mut self, name: &[u8]) {
        self.is_name = self.is_record() && !self.is_named && self.demands.key.is_some_and(|key| key.as_bytes() == name);
        if self.depth <= self.deepest {
            let key = &mut self.path[self.depth - 1].key;
            key.clear();
            key.extend_from_slice(name);
        }
    }

    fn item(&mut self) {
        if self.depth <= self.deepest {
            self.path[self.depth - 1].index += 1;
        }
    }

    #[inline]
    fn scalar(&mut self, scalar: Scalar<'_>) {
        if std::mem::take(&mut self.is_name) {
            self.is_named = true;
            match scalar {
                Scalar::Null => self.is_named = false,
                Scalar::Bool(true) => self.found.name(b'b', b"true"),
                Scalar::Bool(false) => self.found.name(b'b', b"false"),
                Scalar::Number(number) => self.found.name(b'n', number),
                Scalar::Text(text) => self.found.name(b't', text),
            }
        }
        if self.depth <= self.deepest {
            self.arrive(None);
        }
    }

    fn close(&mut self) {
        self.depth -= 1;
        let Some(records) = &self.records else { return };
        if let Collection::Open(_) = self.collection {
            if self.depth == records.len() + 1 && !self.is_named {
                self.found.nameless();
            }
            if self.depth == records.len() {
                self.collection = Collection::Ended;
            }
        }
    }
}
