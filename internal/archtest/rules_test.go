package archtest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// own makes a package of ours at a path relative to the repository, which
// imports what the arguments name: relative too, unless they are not ours.
func own(rel string, imports ...string) *Package {
	p := &Package{Path: path(rel), Module: Module, Files: []string{"x.go"}}
	if f := PlaceOf(p.Path).Floor; f == Program {
		p.Module = p.Path
	}
	for _, i := range imports {
		p.Imports = append(p.Imports, path(i))
	}
	return p
}

// tested makes a package of ours whose test files import the arguments.
func tested(rel string, imports ...string) *Package {
	p := own(rel, imports...)
	p.Imports, p.TestImports = nil, p.Imports
	return p
}

func path(rel string) string {
	switch {
	case rel == "":
		return Module
	case isAny(rel, append([]string{testify, "fmt", "database/sql", "example.org"}, append(allowed, drivers...)...)):
		return rel
	}
	return Module + "/" + rel
}

// sound is a small house in order.
func sound() Graph {
	return NewGraph(
		own("", "internal/permit", "fmt"),
		own("internal/permit"),
		own("internal/canon"),
		own("internal/permittest", "internal/permit"),
		own("deadline", "internal/canon"),
		tested("audit", testify+"/require", "storage/memory"),
		own("vault", "", "internal/canon", tink+"/aead", "golang.org/x/crypto/argon2"),
		own("vault/vaulttest", "vault", "internal/permit"),
		own("retention", "", "internal/permit"),
		own("rights", "", "rights/export"),
		own("rights/export", "", age),
		own("accountability", "audit", "vault"),
		own("storage/memory", ""),
		own("storage/memory/vaultmem", "storage/memory", "vault"),
		own("storage/sqlstore", "", "database/sql"),
		own("storage/sqlstore/internal/feed", "storage/sqlstore"),
		own("storage/sqlstore/auditsql", "storage/sqlstore", "storage/sqlstore/internal/feed", "audit"),
		own("storage/sqlstore/vaultsql", "storage/sqlstore", "vault"),
		own("storage/faultstore/vaultfault", "storage/faultstore", "vault"),
		own("storage/faultstore", ""),
		own("kit", "audit", "vault", "storage/sqlstore/vaultsql", "storage/sqlstore/auditsql"),
		own("examples/quickstart", "kit", "modernc.org/sqlite"),
		tested("integration", "kit", testify+"/require"),
	)
}

func TestRules_HoldInASoundHouse(t *testing.T) {
	for _, r := range Rules() {
		assert.Empty(t, r.Check(sound()), r.Name)
	}
}

// TestRules_ReportEachBreak breaks every rule in every way that it names, and
// expects that rule to say who did it.
func TestRules_ReportEachBreak(t *testing.T) {
	cases := []struct {
		rule   string
		broken *Package
		want   string
	}{
		{"place", own("helpers"), "helpers stands nowhere"},
		{"foundation", own("", "audit"), "troth imports " + Module + "/audit"},
		{"foundation", own("deadline", ""), "deadline imports " + Module},
		{"foundation", own("deadline", "storage/memory"), "deadline imports"},
		{"internal", own("internal/canon", "vault"), "internal/canon imports"},
		{"internal", own("internal/permittest", "kit"), "internal/permittest imports"},
		{"internal", own("internal/canon", "storage/sqlstore"), "internal/canon imports"},
		{"internal", own("storage/memory/internal/feed", "storage/sqlstore"), "storage/memory/internal/feed imports"},
		{"internal", own("storage/sqlstore/internal/feed", "vault"), "storage/sqlstore/internal/feed imports"},
		{"side by side", own("audit", "vault"), "audit imports " + Module + "/vault"},
		{"side by side", own("consent", "unsubscribe"), "consent imports"},
		{"side by side", own("audit/audittest", "vault"), "audit/audittest imports"},
		{"side by side", own("vault", "storage/memory"), "vault imports"},
		{"side by side", own("vault", "accountability"), "vault imports"},
		{"side by side in tests", tested("audit", "vault/vaulttest"), "audit imports"},
		{"side by side in tests", tested("audit", "storage/memory/vaultmem"), "audit imports"},
		{"accountability", own("accountability", "storage/memory"), "accountability imports"},
		{"handle", own("storage/sqlstore", "vault"), "storage/sqlstore imports"},
		{"handle", own("storage/memory/vaultstore", "vault"), "storage/memory/vaultstore imports"},
		{"handle", own("storage/faultstore", "storage/memory"), "storage/faultstore imports"},
		{"adapter", own("storage/sqlstore/auditsql", "vault"), "auditsql imports"},
		{"adapter", own("storage/sqlstore/auditsql", "storage/memory"), "auditsql imports"},
		{"adapter", own("storage/memory/vaultmem", "storage/sqlstore/vaultsql"), "vaultmem imports"},
		{"kit", own("storage/memory", "kit"), "storage/memory imports " + Module + "/kit"},
		{"kit", tested("vault", "kit"), "vault imports " + Module + "/kit"},
		{"programs", tested("vault", "examples/quickstart"), "vault imports"},
		{"permit", own("vault", "internal/permit"), "vault imports"},
		{"permit", own("kit", "internal/permit"), "kit imports"},
		{"permit", own("examples/quickstart", "internal/permit"), "examples/quickstart imports"},
		{"tink", own("audit", tink+"/aead"), "audit reaches " + tink},
		{"tink", own("storage/sqlstore/auditsql", "vault"), "auditsql reaches " + tink},
		{"age", own("audit", age), "audit reaches " + age},
		{"drivers", own("storage/sqlstore", "modernc.org/sqlite"), "auditsql reaches modernc.org/sqlite"},
		{"drivers", own("kit", "github.com/jackc/pgx/v5/stdlib"), "kit reaches github.com/jackc/pgx"},
		{"testify", own("vault/vaulttest", testify+"/assert"), "vault/vaulttest reaches " + testify},
		{"testify", own("storage/memory", testify+"/assert"), "vaultmem reaches " + testify},
		{"dependencies", own("audit", "example.org/left-pad"), "audit imports example.org/left-pad"},
	}
	seen := map[string]bool{}
	for _, c := range cases {
		g := sound()
		g[c.broken.Path] = c.broken
		rule, found := find(c.rule)
		require.True(t, found, c.rule)
		bad := rule.Check(g)
		assert.Condition(t, func() bool { return containing(bad, c.want) }, "%s: want %q in %q", c.rule, c.want, bad)
		seen[c.rule] = true
	}
	for _, r := range Rules() {
		assert.True(t, seen[r.Name], "no case breaks the rule %q", r.Name)
	}
}

func TestDeps_NameOwnPackagesAndModules(t *testing.T) {
	g := sound()
	g[tink+"/aead"] = &Package{Path: tink + "/aead", Module: tink}
	g["golang.org/x/crypto/argon2"] = &Package{Path: "golang.org/x/crypto/argon2", Module: "golang.org/x/crypto"}
	assert.Equal(t, "package "+Module+"\n"+
		"package "+Module+"/internal/canon\n"+
		"package "+Module+"/internal/permit\n"+
		"package "+Module+"/vault\n"+
		"module "+tink+"\n"+
		"module golang.org/x/crypto\n", g.Deps(Module+"/vault/vaulttest"))
	assert.Equal(t, "nothing but the standard library\n", g.Deps(Module+"/internal/canon"))
}
