package archtest

import (
	"fmt"
	"slices"
)

const tink = "github.com/tink-crypto/tink-go/v2"

// age encrypts exports.
const age = "filippo.io/age"

// testify is for our own tests only: a host that runs one of our suites should
// not have to take it.
const testify = "github.com/stretchr/testify"

// drivers are modules that a host chooses, never we for it.
var drivers = []string{
	"modernc.org/sqlite", "github.com/jackc/pgx", "github.com/lib/pq",
	"github.com/mattn/go-sqlite3", "github.com/go-sql-driver/mysql",
}

// allowed are the modules that the published one may import; another one needs
// a page in docs/decisions.
var allowed = []string{
	tink, "golang.org/x/crypto", "golang.org/x/mod", "golang.org/x/net", "golang.org/x/text",
	"go.uber.org/zap", age, "go.yaml.in/yaml",
}

// reachRules limit what a package drags into a program that imports it.
var reachRules = []Rule{
	{
		"tink", "tink is reached through the vault, its Stores and kit, and through nothing else",
		func(g Graph) []string {
			return reach(g, []string{tink}, func(p *Package) bool {
				place := PlaceOf(p.Path)
				return place.Domain == "vault" || place.Floor == Kit || place.Floor == Accountability
			})
		},
	},
	{
		"age", "age is reached through rights, its Stores and kit, and through nothing else",
		func(g Graph) []string {
			return reach(g, []string{age}, func(p *Package) bool {
				place := PlaceOf(p.Path)
				return place.Domain == "rights" || place.Floor == Kit || place.Floor == Accountability
			})
		},
	},
	{
		"drivers", "no published package reaches a database driver",
		func(g Graph) []string {
			return reach(g, drivers, func(*Package) bool { return false })
		},
	},
	{
		"testify", "no published package reaches testify, the suites for hosts included",
		func(g Graph) []string {
			return reach(g, []string{testify}, func(*Package) bool { return false })
		},
	},
	{
		"dependencies", "published packages import the modules that ARCHITECTURE names and no others",
		func(g Graph) (bad []string) {
			for _, p := range g.Published() {
				for _, path := range p.Imports {
					if m := g.moduleOf(path); m != "" && m != Module && !isAny(path, allowed) {
						bad = append(bad, fmt.Sprintf("%s imports %s of module %s", p.Path, path, m))
					}
				}
			}
			return bad
		},
	},
}

// reach returns which published packages reach a module without leave.
func reach(g Graph, modules []string, leave func(*Package) bool) (bad []string) {
	for _, p := range g.Published() {
		if leave(p) {
			continue
		}
		for _, path := range g.Reach(p.Path) {
			if isAny(path, modules) {
				bad = append(bad, fmt.Sprintf("%s reaches %s", p.Path, path))
			}
		}
	}
	return bad
}

func isAny(path string, roots []string) bool {
	return slices.ContainsFunc(roots, func(r string) bool { return within(path, r) })
}
