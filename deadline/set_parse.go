package deadline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ParseSet reads a set of rules from JSON, strictly: every field is known, every
// word stands in its enumeration, every rule has an id of its own, a citation,
// a day on which it was looked at, and a confidence. The form is that of
// [Schema]. The error is a [*SetError].
func ParseSet(text []byte) (*Set, error) {
	if err := strictJSON(text); err != nil {
		return nil, &SetError{Err: err}
	}
	var w wireSet
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&w); err != nil {
		return nil, &SetError{Err: fmt.Errorf("not a set: %w", err)}
	}
	s, err := w.set()
	if err != nil {
		name := ""
		if word(w.Set) {
			name = w.Set
		}
		return nil, &SetError{Set: name, Err: err}
	}
	s.hash = s.sum()
	return s, nil
}

func (w wireSet) set() (*Set, error) {
	asOf, err := ParseDate(w.AsOf)
	switch {
	case w.Format != Format:
		return nil, errors.New("format: want " + Format)
	case !word(w.Set):
		return nil, errors.New("set: want a name of lower-case letters, digits and hyphens")
	case w.Version < 1:
		return nil, errors.New("version: counts from 1")
	case !plain(w.Title):
		return nil, errors.New("title: want one line of text")
	case err != nil:
		return nil, fmt.Errorf("as_of: %w", err)
	case len(w.Rules) == 0:
		return nil, errors.New("rules: there are none")
	}
	templates, err := w.templates()
	if err != nil {
		return nil, err
	}
	s := &Set{name: w.Set, version: w.Version, title: w.Title, asOf: asOf}
	for i := range w.Rules {
		r, err := w.Rules[i].rule(templates)
		if err != nil {
			return nil, err
		}
		s.rules = append(s.rules, r)
	}
	slices.SortFunc(s.rules, func(a, b Rule) int { return strings.Compare(a.ID, b.ID) })
	for i := range s.rules[1:] {
		if s.rules[i].ID == s.rules[i+1].ID {
			return nil, &RuleError{Rule: s.rules[i].ID, Field: "id", Problem: "stands twice"}
		}
	}
	for _, t := range w.Templates {
		if !slices.ContainsFunc(w.Rules, func(r wireRule) bool { return r.Use == t.Name }) {
			return nil, fmt.Errorf("template %q: no rule uses it", t.Name)
		}
	}
	return s, nil
}

// templates returns them by name; the empty name is that of no template.
func (w wireSet) templates() (map[string]wireBody, error) {
	byName := map[string]wireBody{"": {}}
	for _, t := range w.Templates {
		if !word(t.Name) {
			return nil, errors.New("template: want a name of lower-case letters, digits and hyphens")
		}
		if _, twice := byName[t.Name]; twice {
			return nil, fmt.Errorf("template %q: stands twice", t.Name)
		}
		byName[t.Name] = t.wireBody
	}
	return byName, nil
}
