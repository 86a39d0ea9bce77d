package archtest

import (
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDocs_SpeakOfWhatIsThere: pages and comments name tests, functions and types. One
// that was renamed or removed is named no more.
func TestDocs_SpeakOfWhatIsThere(t *testing.T) {
	names := NewNames()
	walk(t, ".go", func(name string, content []byte) { require.NoError(t, names.Add(name, content)) })
	walk(t, ".md", func(name string, content []byte) {
		assert.Empty(t, names.Unknown(name, string(content), ""))
	})
	walk(t, ".go", func(name string, content []byte) {
		if strings.HasSuffix(name, "_test.go") {
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, content, parser.ParseComments|parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, c := range f.Comments {
			assert.Empty(t, names.Unknown(name, c.Text(), f.Name.Name))
		}
	})
}

func TestNames_ReportEachKind(t *testing.T) {
	names := NewNames()
	for name, content := range map[string]string{
		"vault/vault.go":      "package vault\ntype Vault struct{ Name string }\nfunc (*Vault) Seal() {}\nfunc Open() {}\ntype Keys = Other",
		"kit/kit.go":          "package kit\ntype Kit struct { Vault *vault.Vault }\nfunc (Kit) Run() {}",
		"vault/vault_test.go": "package vault\nfunc TestVault_Seals() {}\nfunc BenchmarkSeal() {}",
		"examples/demo/x.go":  "package main",
	} {
		require.NoError(t, names.Add(name, []byte(content)))
	}
	for text, bad := range map[string]bool{
		"TestVault_Seals, `TestVault_…` and TestVault_*": false,
		"TestVault_Opens": true,
		"`TestVaults_…`":  true,
		"`vault.Open`, `vault.Vault.Seal`, `v.Seal`": false,
		"`vault.Keys.Anything`, of an alias":         false,
		"`vault.Close`":                              true,
		"`vault.Vault.Close`":                        true,
		"vault.Close in prose, and `http.Close`":     false,
		"`k.Vault.Seal`, `k.Run`":                    false,
		"`k.Vault.Close`":                            true,
		"`k.Trail`":                                  true,
		"`go test ./vault -run 'Seals$'`":            false,
		"`go test -run xxx -bench Seal ./vault`":     false,
		"`go test ./vault -run Opens`":               true,
		"`go test ./vault -bench Open`":              true,
		"`go run ./demo` and `go test ./vault/...`":  false,
		"`go run ./gone`":                            true,
	} {
		assert.Equal(t, bad, len(names.Unknown("page.md", text, "")) > 0, text)
	}
	for text, bad := range map[string]bool{
		"[Open], [Vault.Seal], [Vault.Name], [vault.Open], [sql.DB]": false,
		"b[Close], []Close, [MAY]byte, [close]":                      false,
		"[Close]":                                                    true,
		"[vault.Close]":                                              true,
		"[*Gone]":                                                    true,
		"Code:\n\n\tvault.Open()":                                    false,
		"Code:\n\n\tvault.Close()":                                   true,
		"A field TestVault, and TestVault_Seals":                     false,
		"TestVault_Opens says so":                                    true,
	} {
		assert.Equal(t, bad, len(names.Unknown("vault.go", text, "vault")) > 0, text)
	}
}

// TestComments_HeadingsStandAlone: a heading that follows a line of text is text, to go doc
// and to readers.
func TestComments_HeadingsStandAlone(t *testing.T) {
	walk(t, ".go", func(name string, content []byte) {
		before := ""
		for line := range strings.Lines(string(content)) {
			if strings.HasPrefix(line, "// # ") {
				assert.Equal(t, "//\n", before, "%s: %s", name, line)
			}
			before = line
		}
	})
}
