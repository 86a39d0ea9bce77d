package archtest

import (
	"slices"
	"strings"
)

// Floor is a part of the house whose packages follow the same import rule.
type Floor string

// The floors, from the ground up.
const (
	// Internal: canon, permit and other tools of our own.
	Internal Floor = "internal"
	// Foundation: the root package and deadline.
	Foundation Floor = "foundation"
	// Domain: the seven packages that each carry a duty.
	Domain Floor = "domain"
	// Accountability looks at what the domain packages did.
	Accountability Floor = "accountability"
	// Handle: what the Stores of one adapter share.
	Handle Floor = "handle"
	// Adapter: one Store of one domain package in one adapter.
	Adapter Floor = "adapter"
	// Kit wires all of these.
	Kit Floor = "kit"
	// Program: examples, integration and benchmarks, never published.
	Program Floor = "program"
	// Nowhere: a folder that the rules do not know.
	Nowhere Floor = "nowhere"
)

// Domains are the seven packages that never import each other.
var Domains = []string{"audit", "consent", "retention", "rights", "task", "unsubscribe", "vault"}

// adapterSuffix ends the name of a Store's package in each adapter.
var adapterSuffix = map[string]string{"memory": "mem", "sqlstore": "sql", "faultstore": "fault"}

// Place is where a package stands.
type Place struct {
	Floor Floor
	// Domain is the domain package that it belongs to, or whose Store it
	// implements.
	Domain string
	// Adapter is memory, sqlstore, faultstore; empty outside of storage.
	Adapter string
	// Suite is set for packages named like vaulttest, which exist for tests.
	Suite bool
}

// PlaceOf returns where the package at path stands, if it is one of ours.
func PlaceOf(path string) Place {
	rel := strings.TrimPrefix(strings.TrimPrefix(path, Module), "/")
	top, rest, _ := strings.Cut(rel, "/")
	p := Place{Floor: Nowhere, Suite: strings.HasSuffix(rel, "test")}
	switch {
	case !ours(path):
	case top == "" || top == "deadline":
		p.Floor = Foundation
	case top == "internal" || strings.Contains(rel, "/internal/"):
		p.Floor = Internal
		if top == "storage" {
			p.Adapter, _, _ = strings.Cut(rest, "/")
		}
	case slices.Contains(Domains, top):
		p.Floor, p.Domain = Domain, top
	case top == "accountability":
		p.Floor = Accountability
	case top == "storage":
		p = storagePlace(p, rest)
	case top == "kit":
		p.Floor = Kit
	case top == "examples" || top == "integration" || top == "bench":
		p.Floor = Program
	}
	return p
}

// storagePlace tells a Store's package from its adapter's handle. One whose
// name is not that of a domain package with the adapter's suffix counts as part
// of the handle, which may import no domain package.
func storagePlace(p Place, rel string) Place {
	adapter, name, _ := strings.Cut(rel, "/")
	p.Floor, p.Adapter = Handle, adapter
	suffix, known := adapterSuffix[adapter]
	domain, cut := strings.CutSuffix(name, suffix)
	if known && cut && slices.Contains(Domains, domain) {
		p.Floor, p.Domain = Adapter, domain
	}
	return p
}
