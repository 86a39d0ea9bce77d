package unsubscribe

import (
	"mime"
	"net/mail"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const oneLink = "https://mail.acme.example/u/AQEKCwwNDg8QERITFBU"

// message puts fields in front of a body and reads them as a mail program does.
func message(t *testing.T, fields []HeaderField) mail.Header {
	t.Helper()
	var b strings.Builder
	for _, f := range fields {
		b.WriteString(f.String())
	}
	b.WriteString("Subject: end\r\n\r\nbody\r\n")
	for line := range strings.SplitSeq(b.String(), "\r\n") {
		require.LessOrEqual(t, len(line), maxLine)
		require.NotContains(t, line, "\n")
	}
	m, err := mail.ReadMessage(strings.NewReader(b.String()))
	require.NoError(t, err)
	require.Equal(t, "end", m.Header.Get("Subject"))
	return m.Header
}

func TestListHeaders_AreWhatTheRFCsWant(t *testing.T) {
	fields, err := ListHeaders{
		URL: oneLink, Mailto: "leave+weekly@acme.example", List: ListID{Title: `The "weekly" letter`, Label: "weekly", Domain: "news.acme.example"},
	}.Fields()
	require.NoError(t, err)
	var wire strings.Builder
	for _, f := range fields {
		wire.WriteString(f.String())
	}
	require.Equal(t, "List-Unsubscribe: <"+oneLink+">,\r\n <mailto:leave%2Bweekly@acme.example>\r\n"+
		"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"+
		"List-Id: \"The \\\"weekly\\\" letter\"\r\n <weekly.news.acme.example>\r\n", wire.String())
	h := message(t, fields)
	for _, f := range fields {
		require.Equal(t, f.Value, h.Get(f.Name), "folding adds nothing")
	}

	alone, err := ListHeaders{URL: oneLink}.Fields()
	require.NoError(t, err)
	require.Len(t, alone, 2)
	require.Equal(t, "<"+oneLink+">", alone[0].Value)
}

func TestListHeaders_RefuseEveryWayToAddALine(t *testing.T) {
	for _, bad := range []string{"\r\nBcc: x@y.example", "\nX: y", "\rX: y", "\x00", "\t", " ", "<", ">", "\"", ",", "\\", "é", "\u2028", "?a=b", "#a", "&amp;", ";x", "^", "`", "{", "|"} {
		for where, h := range map[string]ListHeaders{
			"URL":    {URL: oneLink + bad},
			"mailto": {URL: oneLink, Mailto: "leave@acme" + bad + ".example\x7f"},
			"label":  {URL: oneLink, List: ListID{Label: "weekly" + bad + ">", Domain: "acme.example"}},
			"domain": {URL: oneLink, List: ListID{Label: "weekly", Domain: "acme.example" + bad + ">"}},
		} {
			_, err := h.Fields()
			var he *HeaderError
			require.ErrorAs(t, err, &he, "%s %q", where, bad)
		}
	}
	for _, title := range []string{"a\r\nBcc: x@y.example", "a\nb", "a\x00", "a\u2028b", "a\u0085b", "\xff", strings.Repeat("x", 201)} {
		_, err := ListHeaders{URL: oneLink, List: ListID{Title: title, Label: "weekly", Domain: "acme.example"}}.Fields()
		require.Error(t, err, "%q", title)
	}
}

func TestListHeaders_RefuseWhatProvidersWouldNotPostTo(t *testing.T) {
	for _, u := range []string{
		"", "http://acme.example/u/x", "mailto:a@acme.example", "https:///u/x", "https://:443/u/x", "https://a@acme.example/u/x", "/u/x", "javascript:alert(1)",
		"https://acme.example/" + strings.Repeat("x", maxLine),
	} {
		_, err := ListHeaders{URL: u}.Fields()
		require.Error(t, err, u)
	}
	for _, to := range []string{"acme", "@acme.example", "a@", "a@b@acme.example", "a..b@acme.example", `"a b"@acme.example`, "a@acme..example", strings.Repeat("a", 260) + "@b.example"} {
		_, err := ListHeaders{URL: oneLink, Mailto: to}.Fields()
		require.Error(t, err, to)
	}
	for _, id := range []ListID{
		{Label: "weekly"},
		{Domain: "acme.example"},
		{Label: "weekly", Domain: "example"},
		{Label: "weekly", Domain: "x.localhost"},
		{Label: "weekly", Domain: "localhost"},
		{Label: ".weekly", Domain: "acme.example"},
		{Label: strings.Repeat("w", 250), Domain: "acme.example"},
		{Title: "Weekly"},
	} {
		_, err := id.Field()
		require.Error(t, err, "%v", id)
	}
	longest := ListID{Label: strings.Repeat("w", 255-len(".acme.example")), Domain: "acme.example"}
	_, err := longest.Field()
	require.NoError(t, err)
}

func TestListID_TitlesOfAnyScriptComeBack(t *testing.T) {
	for _, title := range []string{"Weekly", "Das Wöchentliche", "週刊", "=?utf-8?q?trick?=", strings.Repeat("é", 100), "a é b", strings.Repeat("👩‍👩‍👧", 11)} {
		f, err := ListID{Title: title, Label: "weekly", Domain: "acme.example"}.Field()
		require.NoError(t, err)
		h := message(t, []HeaderField{f})
		value := h.Get("List-Id")
		text, ok := strings.CutSuffix(value, " <weekly.acme.example>")
		require.True(t, ok, value)
		if strings.HasPrefix(text, `"`) {
			require.Equal(t, `"`+title+`"`, text)
			continue
		}
		for word := range strings.SplitSeq(text, " ") {
			require.LessOrEqual(t, len(word), 75)
		}
		back, err := new(mime.WordDecoder).DecodeHeader(text)
		require.NoError(t, err)
		require.Equal(t, title, back)
	}
}

// FuzzListHeaders demands that whatever is accepted is the fields that were asked
// for, and no other.
func FuzzListHeaders(f *testing.F) {
	f.Add(oneLink, "leave@acme.example", "Weekly", "weekly", "acme.example")
	f.Add(oneLink+"\r\nX: y", "", "é", "w", "acme.example")
	f.Add("https://[::1]:8443/u/x", "a%b@acme.example", `\"`, "w", "acme.example")
	f.Fuzz(func(t *testing.T, u, to, title, label, domain string) {
		fields, err := ListHeaders{URL: u, Mailto: to, List: ListID{Title: title, Label: label, Domain: domain}}.Fields()
		if err != nil {
			return
		}
		h := message(t, fields)
		if len(h) != len(fields)+1 {
			t.Fatalf("%d fields of %d: %q", len(h), len(fields), fields)
		}
		uris := strings.Split(h.Get("List-Unsubscribe"), ", ")
		if uris[0] != "<"+u+">" || len(uris) > 2 || len(uris) == 2 != (to != "") {
			t.Fatalf("%q", uris)
		}
	})
}
