package redact

import (
	"strings"
	"testing"
)

func FuzzText(f *testing.F) {
	for _, rows := range masked {
		for _, row := range rows {
			f.Add(row[0], row[0])
		}
	}
	for _, s := range kept {
		f.Add(s, s)
	}
	f.Add("a@b.", ".c@d")
	f.Add("%4", "\"")
	f.Add(`"a`, `"@b.cd`)
	plain := &rules{}
	tokens := &rules{key: make([]byte, MinTokenKey)}
	f.Fuzz(func(t *testing.T, before, after string) {
		for _, r := range []*rules{plain, tokens} {
			for _, email := range []string{"anna@example.com", "jürgen@müller.example", "anna%40example.com"} {
				once := r.text(before + email + after)
				if strings.Contains(once, email) {
					t.Fatalf("%q in %q survived as %q", email, before+email+after, once)
				}
				if twice := r.text(once); twice != once {
					t.Fatalf("%q became %q", once, twice)
				}
			}
			once := r.text(before + after)
			if twice := r.text(once); twice != once {
				t.Fatalf("%q became %q", once, twice)
			}
		}
	})
}
