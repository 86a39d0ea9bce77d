package export_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/rights/export"
)

// canary is what must not be in an archive.
const canary = "canary@example.com"

// kept writes one record with a redactor, and returns what came of its field, and
// whether the canary is anywhere in the archive.
func kept(t *testing.T, about export.About, ask export.Redactor) (export.Value, bool) {
	t.Helper()
	w := newWorld(t)
	w.config.Redactor = ask
	source := export.Source{Name: "s", Types: []export.Type{{Name: "message", Columns: []export.Column{{Name: "from", About: about}}}}}
	archive := w.write(func(x *export.Writer) {
		copyAll(t, x, source, export.Record{Type: "message", ID: "1", Fields: []export.Field{export.Text("from", canary)}})
	})
	list, _ := w.records(archive)
	require.Len(t, list, 1)
	leaks := false
	for _, f := range contents(t, w.zip(archive)) {
		leaks = leaks || bytes.Contains(f.content, []byte(canary))
	}
	return list[0].Record.Fields[0].Value, leaks
}

func TestRedactor_WhatNobodyClassifiedStaysOut(t *testing.T) {
	for name, c := range map[string]struct {
		about export.About
		ask   export.Redactor
		want  export.Reason // empty: handed out
	}{
		"about the person, nobody asked":        {export.Person, nil, ""},
		"about others, nobody asked":            {export.Others, nil, export.ThirdParty},
		"about nobody knows whom, nobody asked": {export.Unclassified, nil, export.NotClassified},
		"about the person, no decision":         {export.Person, deciding(export.Decision{}, nil), ""},
		"about others, no decision":             {export.Others, deciding(export.Decision{}, nil), export.ThirdParty},
		"unclassified, no decision":             {export.Unclassified, deciding(export.Decision{}, nil), export.NotClassified},
		"about others, disclosed":               {export.Others, deciding(export.Disclose(), nil), ""},
		"unclassified, disclosed":               {export.Unclassified, deciding(export.Disclose(), nil), ""},
		"about the person, withheld":            {export.Person, deciding(export.Withhold(export.MustNotDisclose), nil), export.MustNotDisclose},
		"withheld for no reason of the list":    {export.Person, deciding(export.Withhold("because"), nil), export.Undecided},
		"an error, about the person":            {export.Person, deciding(export.Disclose(), errors.New("down")), export.Undecided},
		"a panic, about the person": {export.Person, func(context.Context, export.Question) (export.Decision, error) {
			panic(canary)
		}, export.Undecided},
		"an error, about others": {export.Others, deciding(export.Disclose(), errors.New("down")), export.Undecided},
	} {
		t.Run(name, func(t *testing.T) {
			v, leaks := kept(t, c.about, c.ask)
			require.Equal(t, c.want, v.Redacted())
			require.Equal(t, c.want == "", leaks)
		})
	}
}

func deciding(d export.Decision, err error) export.Redactor {
	return func(context.Context, export.Question) (export.Decision, error) { return d, err }
}

func TestRedactor_ReplacesByAShortTextInOneLine(t *testing.T) {
	v, leaks := kept(t, export.Others, deciding(export.Replace(export.ThirdParty, "another person"), nil))
	require.Equal(t, export.ThirdParty, v.Redacted())
	require.Equal(t, "another person", v.Text())
	require.False(t, leaks)
	for _, bad := range []string{"two\nlines", "\u202e", strings.Repeat("x", 256), "\xff"} {
		v, _ := kept(t, export.Others, deciding(export.Replace(export.ThirdParty, bad), nil))
		require.Equal(t, export.ThirdParty, v.Redacted())
		require.Empty(t, v.Text())
	}
}

func TestRedactor_IsToldWhatItDecidesAbout(t *testing.T) {
	w := newWorld(t)
	var asked []export.Question
	w.config.Redactor = func(_ context.Context, q export.Question) (export.Decision, error) {
		asked = append(asked, q)
		return export.Decision{}, nil
	}
	w.write(func(x *export.Writer) {
		copyAll(t, x, orders, export.Record{Type: "note", ID: "7", Fields: []export.Field{export.Text("author", "Bob"), export.Text("new", "x")}})
	})
	require.Len(t, asked, 2)
	require.Equal(t, "shop", asked[0].Source)
	require.Equal(t, "7", asked[0].Record.ID)
	require.Equal(t, "author", asked[0].Field.Name)
	require.Equal(t, export.Others, asked[0].Field.About)
	require.Equal(t, export.Unclassified, asked[1].Field.About, "a field that came beside declared columns is nobody's")
}

// A field that a source added without telling is not handed out beside declared ones.
func TestWriter_KeepsBackWhatComesUnannounced(t *testing.T) {
	w := newWorld(t)
	archive := w.write(func(x *export.Writer) {
		copyAll(t, x, orders,
			export.Record{Type: "note", Fields: []export.Field{export.Text("text", "hi"), export.Text("internal remark", canary)}},
			export.Record{Type: "unknown", Fields: []export.Field{export.Text("anything", canary), {Name: "mine", Value: export.TextValue("x"), About: export.Person}}},
		)
	})
	a, err := w.open(archive)
	require.NoError(t, err)
	require.Equal(t, uint64(2), a.Manifest.Redactions())
	for _, f := range contents(t, w.zip(archive)) {
		require.NotContains(t, string(f.content), canary, f.path)
	}
	list, _ := w.records(archive)
	require.Equal(t, "x", list[1].Record.Fields[1].Value.Text())
}

func TestWriter_RedactsAttachmentsWithoutOpeningThem(t *testing.T) {
	w := newWorld(t)
	opened := false
	archive := w.write(func(x *export.Writer) {
		file := export.FileOf(canary, "", []byte(canary))
		open := file.Open
		file.Open = func(ctx context.Context) (c readCloser, err error) { opened = true; return open(ctx) }
		copyAll(t, x, orders, export.Record{Type: "note", Fields: []export.Field{export.File("author", file)}})
	})
	require.False(t, opened)
	for _, f := range contents(t, w.zip(archive)) {
		require.NotContains(t, string(f.content), canary, f.path)
	}
}
