package deadline

import (
	"errors"
	"testing"
)

// Whatever is accepted has rules that all validate, sorted and each once, and a
// hash; whatever is not gives a SetError and nothing else.
func FuzzParseSet(f *testing.F) {
	f.Add([]byte(exampleSet(f)))
	entries, err := data.ReadDir("data")
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range entries[:4] {
		text, err := data.ReadFile("data/" + e.Name())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := ParseSet(text)
		if err != nil {
			if _, ok := errors.AsType[*SetError](err); !ok || s != nil {
				t.Fatalf("%v with %v", err, s)
			}
			return
		}
		rules := s.Rules()
		for i, r := range rules {
			if err := r.Validate(); err != nil {
				t.Fatal(err)
			}
			if i > 0 && rules[i-1].ID >= r.ID {
				t.Fatalf("%q before %q", rules[i-1].ID, r.ID)
			}
		}
		again, err := ParseSet(text)
		if err != nil || again.Hash() != s.Hash() || len(rules) == 0 {
			t.Fatalf("read again: %v", err)
		}
	})
}
