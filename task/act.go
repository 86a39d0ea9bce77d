package task

import (
	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/clearance"
)

var (
	factTask = troth.Field{Name: "task", Kind: troth.IDFact, Doc: "id of the task"}
	factKind = troth.Field{Name: "kind", Kind: troth.WordFact, Doc: "kind of work"}
)

var (
	actFail = &troth.Act{
		Name: "task.fail", Version: 1,
		Doc: "Work was given up: it will never succeed as it is.",
		Fields: []troth.Field{
			factTask, factKind,
			{Name: "attempts", Kind: troth.CountFact, Doc: "how often it was tried"},
			{Name: "reason", Kind: troth.WordFact, Doc: "permanent, exhausted or payload"},
		},
	}
	actPark = &troth.Act{
		Name: "task.park", Version: 1,
		Doc: "Work waits for a person.",
		Fields: []troth.Field{
			factTask, factKind,
			{Name: "attempts", Kind: troth.CountFact, Doc: "how often it was tried"},
			{Name: "reason", Kind: troth.WordFact, Doc: "manual, exhausted, payload or prerequisite"},
			{Name: "owner", Kind: troth.WordFact, Doc: "role of that person"},
		},
	}
	actConfirm = &troth.Act{
		Name: "task.confirm", Version: 1,
		Doc: "A person confirmed that work is done, with evidence.",
		Fields: []troth.Field{
			factTask, factKind,
			{Name: "owner", Kind: troth.WordFact, Doc: "the role in which they did"},
			{Name: "evidence", Kind: troth.WordFact, Optional: true, Doc: "the host's name of the evidence"},
			{Name: "digest", Kind: troth.DigestFact, Optional: true, Doc: "SHA-256 of the evidence"},
		},
	}
	actAssign = &troth.Act{
		Name: "task.assign", Version: 1,
		Doc: "Work that waits for a person was given to another owner.",
		Fields: []troth.Field{
			factTask, factKind,
			{Name: "from", Kind: troth.WordFact, Doc: "role of the owner before"},
			{Name: "to", Kind: troth.WordFact, Doc: "role of the owner after"},
			{Name: "how", Kind: troth.WordFact, Doc: "reassigned or escalated"},
			{Name: "due", Kind: troth.InstantFact, Optional: true, Doc: "by when, if that changed"},
		},
	}
	actResume = &troth.Act{
		Name: "task.resume", Version: 1,
		Doc:    "Work that waited for a person is tried again.",
		Fields: []troth.Field{factTask, factKind},
	}
	actCancel = &troth.Act{
		Name: "task.cancel", Version: 1,
		Doc:    "Work that had not ended is no longer wanted.",
		Fields: []troth.Field{factTask, factKind, clearance.Ground},
	}
	actAlarm = &troth.Act{
		Name: "task.alarm", Version: 1,
		Doc: "The deadline of work that had not ended came near, or passed.",
		Fields: []troth.Field{
			factTask, factKind,
			{Name: "stage", Kind: troth.WordFact, Doc: "half or most of the time has passed, or all of it: late"},
			{Name: "state", Kind: troth.WordFact, Doc: "where the work stood"},
			{Name: "deadline", Kind: troth.InstantFact, Doc: "when it should be done"},
		},
	}
	actEmpty = &troth.Act{
		Name: "task.empty", Version: 1,
		Doc: "The last work of a group had ended, and its payloads were destroyed.",
		Fields: []troth.Field{
			{Name: "group", Kind: troth.IDFact, Doc: "id of the group, or of the task that stood alone"},
			{Name: "key", Kind: troth.WordFact, Doc: "destroyed, or none where the sealer cannot destroy it"},
			clearance.Ground, clearance.Permit, clearance.Policy,
		},
	}
	actForget = &troth.Act{
		Name: "task.forget", Version: 1,
		Doc: "Tasks of the tenant that had ended long ago were removed.",
		Fields: []troth.Field{
			{Name: "before", Kind: troth.InstantFact, Doc: "all of them ended before this instant"},
			{Name: "tasks", Kind: troth.CountFact, Doc: "how many"},
			clearance.Ground, clearance.Permit, clearance.Policy,
		},
	}
	actUnmanaged = clearance.Unmanaged("task.unmanaged", "An engine was made that destroys payloads without a retention keeper.")
)

// Acts are the acts whose evidence the engine records. That work was completed is
// not among them: what it did is an act of whoever did it.
func Acts() []*troth.Act {
	return []*troth.Act{
		actFail, actPark, actConfirm, actAssign, actResume, actCancel, actAlarm, actEmpty, actForget, actUnmanaged,
	}
}

// about returns the facts that every act about a task has.
func about(n Name, kind string) troth.Facts {
	return troth.Facts{"task": troth.ID(n.ID.String()), "kind": troth.Word(kind)}
}
