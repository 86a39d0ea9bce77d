package archtest

import (
	"fmt"
	"slices"
)

// Rule is one sentence about imports that can be checked.
type Rule struct {
	// Name is one word or two; Says the rule in plain words.
	Name, Says string
	// Check returns a line for each violation.
	Check func(Graph) []string
}

// Rules returns all import rules.
func Rules() []Rule {
	return slices.Concat(floorRules, reachRules)
}

// floorRules limit what a package imports itself.
var floorRules = []Rule{
	{
		"place", "every package stands in a folder that the rules know",
		func(g Graph) (bad []string) {
			for _, p := range g.Ours() {
				if PlaceOf(p.Path).Floor == Nowhere {
					bad = append(bad, p.Path+" stands nowhere: give it a place in internal/archtest")
				}
			}
			return bad
		},
	},
	{
		"foundation", "the root package and deadline import nothing of ours but internal",
		imports(Foundation, false, func(from, to *Package) bool {
			return PlaceOf(to.Path).Floor == Internal || from.Path != Module && within(to.Path, Module+"/deadline")
		}),
	},
	{
		"internal", "internal packages import no domain package, no storage but the adapter's handle that they are inside of, and no kit; those for tests may",
		imports(Internal, false, func(from, to *Package) bool {
			return isFloor(to, Internal, Foundation) || isFloor(to, Handle) && sameAdapter(from, to) || PlaceOf(from.Path).Suite && !isFloor(to, Kit, Program)
		}),
	},
	{
		"side by side", "a domain package imports of ours the foundation, internal and itself",
		imports(Domain, false, func(from, to *Package) bool {
			return isFloor(to, Foundation, Internal) || sameDomain(from, to)
		}),
	},
	{
		"side by side in tests", "no test of a domain package imports another domain package or its Stores",
		imports(Domain, true, func(from, to *Package) bool {
			return PlaceOf(to.Path).Domain == "" || sameDomain(from, to)
		}),
	},
	{
		"accountability", "accountability imports the domain packages and what they may import",
		imports(Accountability, false, func(_, to *Package) bool {
			return isFloor(to, Foundation, Internal, Domain, Accountability)
		}),
	},
	{
		"handle", "an adapter's handle imports no domain package and no other adapter",
		imports(Handle, false, func(from, to *Package) bool {
			return isFloor(to, Foundation, Internal) || isFloor(to, Handle) && sameAdapter(from, to)
		}),
	},
	{
		"adapter", "a Store's package imports its own handle and the one domain package whose Store it is",
		imports(Adapter, false, func(from, to *Package) bool {
			return isFloor(to, Foundation, Internal) ||
				isFloor(to, Handle) && sameAdapter(from, to) ||
				isFloor(to, Domain) && sameDomain(from, to)
		}),
	},
	{
		"kit", "only examples and integration import kit, also in tests",
		func(g Graph) []string {
			return importers(g, true,
				func(to string) bool { return PlaceOf(to).Floor == Kit },
				func(from *Package) bool { return isFloor(from, Kit, Program) })
		},
	},
	{
		"programs", "nothing that is published imports the programs beside it, also in tests",
		func(g Graph) []string {
			return importers(g, true,
				func(to string) bool { return PlaceOf(to).Floor == Program },
				func(from *Package) bool { return isFloor(from, Program) })
		},
	},
	{
		"permit", "only the root package, retention and packages for tests import internal/permit",
		func(g Graph) []string {
			return importers(g, false,
				func(to string) bool { return within(to, Module+"/internal/permit") },
				func(from *Package) bool {
					return from.Path == Module || within(from.Path, Module+"/retention") || PlaceOf(from.Path).Suite
				})
		},
	},
}

// imports makes the check that packages of a floor import of ours only what
// may says; of the test files' imports, if tests is set, else of the others'.
func imports(floor Floor, tests bool, may func(from, to *Package) bool) func(Graph) []string {
	return func(g Graph) (bad []string) {
		for _, from := range g.Ours() {
			if PlaceOf(from.Path).Floor != floor {
				continue
			}
			list := from.Imports
			if tests {
				list = from.TestImports
			}
			for _, path := range list {
				if ours(path) && path != from.Path && !may(from, &Package{Path: path}) {
					bad = append(bad, fmt.Sprintf("%s imports %s", from.Path, path))
				}
			}
		}
		return bad
	}
}

// importers returns who of ours imports a target without leave.
func importers(g Graph, tests bool, target func(path string) bool, leave func(*Package) bool) (bad []string) {
	for _, from := range g.Ours() {
		list := from.Imports
		if tests {
			list = slices.Concat(list, from.TestImports)
		}
		for _, path := range list {
			if target(path) && !target(from.Path) && !leave(from) {
				bad = append(bad, fmt.Sprintf("%s imports %s", from.Path, path))
			}
		}
	}
	return bad
}

func isFloor(p *Package, floors ...Floor) bool {
	return slices.Contains(floors, PlaceOf(p.Path).Floor)
}

func sameDomain(a, b *Package) bool { return PlaceOf(a.Path).Domain == PlaceOf(b.Path).Domain }

func sameAdapter(a, b *Package) bool { return PlaceOf(a.Path).Adapter == PlaceOf(b.Path).Adapter }
