package deployment

import (
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// The annotations on ReplicaSets; the revision is on the Deployment as well.
const (
	revisionKey = "deployment.kubernetes.io/revision"
	historyKey  = "deployment.kubernetes.io/revision-history" // earlier revisions of a set that was rolled back to
	desiredKey  = "deployment.kubernetes.io/desired-replicas" // the Deployment's replicas when the set was last scaled
	maxKey      = "deployment.kubernetes.io/max-replicas"     // the same, plus maxSurge
)

// historyLimit bounds the history annotation, in characters.
const historyLimit = 2000

// notCopied are annotations of a Deployment that do not go on to its sets.
var notCopied = []string{
	corev1.LastAppliedConfigAnnotation, revisionKey, historyKey, desiredKey, maxKey, appsv1.DeprecatedRollbackTo,
}

// revision is the number of a set's turn; 0 when it has none.
func revision(rs *appsv1.ReplicaSet) int64 {
	n, err := strconv.ParseInt(rs.Annotations[revisionKey], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// nextRevision is the one after every old set's.
func nextRevision(old []*appsv1.ReplicaSet) int64 {
	var newest int64
	for _, rs := range old {
		newest = max(newest, revision(rs))
	}
	return newest + 1
}

// annotate copies the Deployment's annotations to a set and gives it the revision, if that is newer than its own.
func annotate(rs *appsv1.ReplicaSet, d *appsv1.Deployment, newest int64) (changed bool) {
	if rs.Annotations == nil {
		rs.Annotations = map[string]string{}
	}
	for k, v := range d.Annotations {
		if old, ok := rs.Annotations[k]; !slices.Contains(notCopied, k) && (!ok || old != v) {
			rs.Annotations[k], changed = v, true
		}
	}
	before, had := rs.Annotations[revisionKey]
	if revision(rs) >= newest {
		return changed
	}
	if had {
		rs.Annotations[historyKey] = appendHistory(rs.Annotations[historyKey], before)
	}
	rs.Annotations[revisionKey] = strconv.FormatInt(newest, 10)
	return true
}

// appendHistory drops the oldest revisions when the list would become too long.
func appendHistory(history, revision string) string {
	if history == "" {
		return revision
	}
	revisions := append(strings.Split(history, ","), revision)
	for len(strings.Join(revisions, ",")) > historyLimit {
		revisions = revisions[1:]
	}
	return strings.Join(revisions, ",")
}

// noteSize writes down what the Deployment wanted when the set got its size: a later change of that is how a resize is
// recognised, and what it is proportional to.
func noteSize(rs *appsv1.ReplicaSet, d *appsv1.Deployment) (changed bool) {
	if rs.Annotations == nil {
		rs.Annotations = map[string]string{}
	}
	for k, n := range map[string]int32{desiredKey: *d.Spec.Replicas, maxKey: most(d)} {
		if v := strconv.Itoa(int(n)); rs.Annotations[k] != v {
			rs.Annotations[k], changed = v, true
		}
	}
	return changed
}

// noted reads an annotation of noteSize.
func noted(rs *appsv1.ReplicaSet, key string) (int32, bool) {
	n, err := strconv.ParseInt(rs.Annotations[key], 10, 32)
	return int32(n), err == nil && n >= 0
}
