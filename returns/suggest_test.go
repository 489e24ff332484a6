package returns

import "testing"

func TestSuggest(t *testing.T) {
	known := []string{"optimize.alpha", "returns.path", "bayes.draws", "run"}
	for word, want := range map[string]string{"optimize.alfa": "; did you mean optimize.alpha?", "returns.pth": "; did you mean returns.path?", "zzz": "", "rnu": "; did you mean run?"} {
		if got := Suggest(word, known); got != want {
			t.Errorf("%s: %q, want %q", word, got, want)
		}
	}
}
