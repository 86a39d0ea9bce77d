package unsubscribe_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/unsubscribe"
)

func TestNormalise_Vectors(t *testing.T) {
	for _, v := range []struct {
		channel        unsubscribe.Channel
		in             string
		exact, mailbox string
	}{
		{unsubscribe.Email, "Ada@Example.ORG", "ada@example.org", ""},
		{unsubscribe.Email, " \t<mailto:Ada@example.org?subject=stop>\r\n", "ada@example.org", ""},
		{unsubscribe.Email, "ada@example.org.", "ada@example.org", ""},
		{unsubscribe.Email, "a@b@example.org", "a@b@example.org", ""},
		{unsubscribe.Email, ".odd..dots.@example.org", ".odd..dots.@example.org", ""},
		{unsubscribe.Email, `"a b"@example.org`, `"a b"@example.org`, ""},
		{unsubscribe.Email, "ada@ＥＸＡＭＰＬＥ。org", "ada@example.org", ""},
		{unsubscribe.Email, "ada@faß.de", "ada@xn--fa-hia.de", ""},
		{unsubscribe.Email, "ada@XN--FA-HIA.de", "ada@xn--fa-hia.de", ""},
		{unsubscribe.Email, "ada@mein_host.example", "ada@mein_host.example", ""},
		{unsubscribe.Email, "J\u006f\u0308rg@example.org", "j\u00f6rg@example.org", ""},
		{unsubscribe.Email, "\u00d6rg@example.org", "\u00d6rg@example.org", ""}, // only A to Z are folded
		{unsubscribe.Email, "\u0130da@example.org", "\u0130da@example.org", ""}, // I with a dot is no i
		{unsubscribe.Email, "\u212aurt@example.org", "kurt@example.org", ""},    // the Kelvin sign is canonically K
		{unsubscribe.Email, "\uff21da@example.org", "\uff21da@example.org", ""}, // full width is another letter
		{unsubscribe.Email, "A.d.a+x+y@GMail.com", "a.d.a+x+y@gmail.com", "ada@gmail.com"},
		{unsubscribe.Email, "ada@googlemail.com", "ada@googlemail.com", "ada@gmail.com"},
		{unsubscribe.Email, "ada@gmail.com", "ada@gmail.com", ""},
		{unsubscribe.Email, "+tag@gmail.com", "+tag@gmail.com", ""},
		{unsubscribe.Email, "...@gmail.com", "...@gmail.com", ""},
		{unsubscribe.Email, "a.b+x@outlook.com", "a.b+x@outlook.com", "a.b@outlook.com"},
		{unsubscribe.Email, "a-b_c.d+x@proton.me", "a-b_c.d+x@proton.me", "abcd@proton.me"},
		{unsubscribe.Email, "a.b+x@example.org", "a.b+x@example.org", ""},
		{unsubscribe.SMS, "+49 (151) 123-456.78", "+4915112345678", ""},
		{unsubscribe.SMS, "0049 151 12345678", "+4915112345678", ""},
		{unsubscribe.Messenger, "Ada_L", "ada_l", ""},
		{unsubscribe.Messenger, "+49 151 12345678", "+4915112345678", ""},
		{unsubscribe.Push, " Token:AbC ", "Token:AbC", ""},
		{unsubscribe.Post, "Ada  Lovelace\n 1 Main St ", "ada lovelace 1 main st", ""},
	} {
		if v.mailbox == "" {
			v.mailbox = v.exact
		}
		got, err := unsubscribe.Normalise(v.channel, v.in)
		require.NoError(t, err, "%q", v.in)
		require.Equal(t, unsubscribe.Address{Exact: v.exact, Mailbox: v.mailbox}, got, "%q", v.in)
	}
	for _, in := range []string{
		"", "ada", "@example.org", "ada@", "ada@.", "ada@\x00example.org", "a\nb@example.org", "ada@example.org\xff",
		"Ada <ada@example.org>", "a\u0085b@example.org", strings.Repeat("a", 1021) + "@b.c",
	} {
		_, err := unsubscribe.Normalise(unsubscribe.Email, in)
		require.ErrorIs(t, err, unsubscribe.ErrAddress, "%q", in)
	}
	for _, in := range []string{"0151 1234567", "+0151 1234567", "+123456", "+1234567890123456", "+49 151 ABC", "151"} {
		_, err := unsubscribe.Normalise(unsubscribe.SMS, in)
		require.ErrorIs(t, err, unsubscribe.ErrAddress, "%q", in)
	}
	_, err := unsubscribe.Normalise("fax", "1")
	require.ErrorIs(t, err, unsubscribe.ErrChannel)
}

func FuzzNormalise(f *testing.F) {
	for _, seed := range []string{
		"Ada@Example.ORG", "<mailto:a@b?c>", "a@b.", "ada@faß.de", "J\u006f\u0308rg@example.org", "A.b+c@gmail.com", "+4915112345678",
		"a@\u3002", "\u212a@\u212a", "a@b .", "<a@b>.", "mailto:mailto:<a@b>",
	} {
		for i := range unsubscribe.Channels() {
			f.Add(i, seed)
		}
	}
	f.Fuzz(func(t *testing.T, channel int, in string) {
		all := unsubscribe.Channels()
		c := all[uint(channel)%uint(len(all))]
		a, err := unsubscribe.Normalise(c, in)
		if err != nil {
			return
		}
		again, err := unsubscribe.Normalise(c, a.Exact)
		if err != nil || again != a {
			t.Fatalf("%q becomes %q, and that %q, %v", in, a, again, err)
		}
		box, err := unsubscribe.Normalise(c, a.Mailbox)
		if err != nil || box.Mailbox != a.Mailbox {
			t.Fatalf("%q has the mailbox %q, and that %q, %v", in, a.Mailbox, box, err)
		}
		if a.Exact == "" || !utf8.ValidString(a.Exact) {
			t.Fatalf("%q becomes %q", in, a.Exact)
		}
		if c == unsubscribe.Email && strings.LastIndexByte(a.Exact, '@') < 1 {
			t.Fatalf("%q becomes %q", in, a.Exact)
		}
	})
}
