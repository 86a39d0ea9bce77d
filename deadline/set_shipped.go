package deadline

import (
	"cmp"
	"embed"
	"fmt"
	"slices"
	"strings"
	"sync"
)

//go:embed data/*.json
var data embed.FS

//go:embed schema.json
var schema string

// Schema returns the JSON Schema (2020-12) of sets. [ParseSet] demands more:
// dates that exist, ids that agree with their rules, fields that agree with
// each other.
func Schema() string { return schema }

// Shipped returns the sets that come with the package, sorted by name. Their
// figures are no legal advice: each rule says how well it was checked.
func Shipped() []*Set { return slices.Clone(shelf().sets) }

// library is what is shipped. The rules are by id; their ids are unique over all sets.
type library struct {
	sets  []*Set
	rules map[string]*Rule
}

var shelf = sync.OnceValue(func() library {
	lib, err := readLibrary()
	if err != nil {
		// The files are part of the program: it was built from broken ones.
		panic(err)
	}
	return lib
})

func readLibrary() (library, error) {
	entries, err := data.ReadDir("data")
	if err != nil {
		return library{}, fmt.Errorf("deadline: read: %w", err)
	}
	lib := library{rules: map[string]*Rule{}}
	for _, e := range entries {
		text, err := data.ReadFile("data/" + e.Name())
		if err != nil {
			return library{}, fmt.Errorf("deadline: read: %w", err)
		}
		s, err := ParseSet(text)
		if err != nil {
			return library{}, err
		}
		for i := range s.rules {
			if r := &s.rules[i]; lib.rules[r.ID] != nil {
				return library{}, &RuleError{Rule: r.ID, Field: "id", Problem: "stands in two sets"}
			} else {
				lib.rules[r.ID] = r
			}
		}
		lib.sets = append(lib.sets, s)
	}
	slices.SortFunc(lib.sets, func(a, b *Set) int { return cmp.Compare(a.name, b.name) })
	return lib, nil
}

// ShippedRule returns the rule of a shipped set, or an [UnknownRuleError].
func ShippedRule(id string) (Rule, error) {
	r := shelf().rules[id]
	if r == nil {
		return Rule{}, &UnknownRuleError{Rule: id}
	}
	return r.clone(), nil
}

// byID compares a rule's id with another.
func byID(r Rule, id string) int { return strings.Compare(r.ID, id) }
