package unsubscribe

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const listFields = "List-Unsubscribe: <https://acme.example/u/x>,\r\n <mailto:leave@acme.example>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"

func signed(h string) string {
	return "DKIM-Signature: v=1; a=rsa-sha256; d=acme.example; s=mail;\r\n\th=" + h + ";\r\n\tbh=AAAA; b=AA=\r\n"
}

func TestCheckSigned(t *testing.T) {
	for name, c := range map[string]struct {
		header     string
		covers     []bool
		overSigned []bool
		err        bool
		unsigned   bool
	}{
		"both":            {signed("from:list-unsubscribe:List-Unsubscribe-Post") + listFields, []bool{true}, []bool{false}, false, false},
		"both, folded":    {signed("From :\r\n\t List-Unsubscribe\r\n\t: List-Unsubscribe-Post") + listFields, []bool{true}, []bool{false}, false, false},
		"over-signed":     {signed("from:list-unsubscribe:list-unsubscribe:list-unsubscribe-post:list-unsubscribe-post") + listFields, []bool{true}, []bool{true}, false, false},
		"half of it over": {signed("from:list-unsubscribe:list-unsubscribe:list-unsubscribe-post") + listFields, []bool{true}, []bool{false}, false, false},
		"one of two":      {signed("from:list-unsubscribe") + listFields, []bool{false}, []bool{false}, true, true},
		"the other":       {signed("from:list-unsubscribe-post") + listFields, []bool{false}, []bool{false}, true, true},
		"none":            {listFields, nil, nil, true, true},
		"in two halves": {
			signed("from:list-unsubscribe") + signed("from:list-unsubscribe-post") + listFields, []bool{false, false}, []bool{false, false}, true, true,
		},
		"second of two": {
			signed("from") + signed("list-unsubscribe:list-unsubscribe-post") + listFields, []bool{false, true}, []bool{false, false}, false, false,
		},
		// A name of a field that is not there is signed as absent: that covers nothing.
		"signed as absent": {signed("list-unsubscribe:list-unsubscribe-post") + "From: a@acme.example\r\n", []bool{false}, []bool{false}, true, false},
		// One name covers the last of two fields only.
		"two fields, one name": {
			signed("list-unsubscribe:list-unsubscribe-post") + "List-Unsubscribe: <https://evil.example/u/x>\r\n" + listFields,
			[]bool{false},
			[]bool{false},
			true, false,
		},
		"two fields, two names": {
			signed("list-unsubscribe:list-unsubscribe:list-unsubscribe-post") + "List-Unsubscribe: <https://evil.example/u/x>\r\n" + listFields,
			[]bool{true},
			[]bool{false},
			true, false,
		},
		"void tag list": {signed("list-unsubscribe:list-unsubscribe-post; h=from") + listFields, []bool{false}, []bool{false}, true, true},
		"no post":       {signed("list-unsubscribe:list-unsubscribe-post") + "List-Unsubscribe: <https://acme.example/u/x>\r\n", []bool{false}, []bool{false}, true, false},
		"other post": {
			signed("list-unsubscribe:list-unsubscribe-post") + "List-Unsubscribe: <https://acme.example/u/x>\r\nList-Unsubscribe-Post: list-unsubscribe=one-click\r\n",
			[]bool{true},
			[]bool{false},
			true, false,
		},
		"no https": {
			signed("list-unsubscribe:list-unsubscribe-post") + "List-Unsubscribe: <mailto:leave@acme.example>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
			[]bool{true},
			[]bool{false},
			true, false,
		},
		"two https": {
			signed("list-unsubscribe:list-unsubscribe-post") + "List-Unsubscribe: <https://a.example/>, <HTTPS://b.example/>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
			[]bool{true},
			[]bool{false},
			true, false,
		},
		"no brackets": {
			signed("list-unsubscribe:list-unsubscribe-post") + "List-Unsubscribe: https://a.example/\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
			[]bool{true},
			[]bool{false},
			true, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := CheckSigned(strings.NewReader(c.header + "Subject: x\r\n\r\nList-Unsubscribe: in the body\r\n"))
			require.Equal(t, c.err, err != nil, err)
			require.Equal(t, c.unsigned, errors.Is(err, ErrUnsigned))
			require.Len(t, got, len(c.covers))
			for i := range got {
				require.Equal(t, Signature{Domain: "acme.example", Selector: "mail", Covers: c.covers[i], OverSigned: c.overSigned[i]}.Covers, got[i].Covers)
				require.Equal(t, c.overSigned[i], got[i].OverSigned)
			}
		})
	}
	got, err := CheckSigned(strings.NewReader(signed("list-unsubscribe:list-unsubscribe-post") + listFields + "\r\n"))
	require.NoError(t, err)
	require.Equal(t, []Signature{{Domain: "acme.example", Selector: "mail", Covers: true}}, got)
	_, err = CheckSigned(strings.NewReader("To: " + canary + " is not\nhow: a header\r\n  \x00 ends"))
	require.Error(t, err)
	require.NotContains(t, err.Error(), "anary")
}

func FuzzCheckSigned(f *testing.F) {
	f.Add(signed("list-unsubscribe:list-unsubscribe-post") + listFields + "\r\n")
	f.Add(signed(":::") + "List-Unsubscribe: <,>\r\n\r\n")
	f.Fuzz(func(t *testing.T, message string) {
		all, err := CheckSigned(strings.NewReader(message))
		covered := false
		for _, s := range all {
			if s.OverSigned && !s.Covers {
				t.Fatal("over-signed and not covered")
			}
			covered = covered || s.Covers
		}
		if err == nil && !covered {
			t.Fatal("accepted and not covered")
		}
	})
}
