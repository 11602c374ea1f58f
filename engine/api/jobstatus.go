package api

import (
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apiserver/pkg/util/feature"
	"k8s.io/kubernetes/pkg/apis/batch"
	"k8s.io/kubernetes/pkg/apis/batch/validation"
	"k8s.io/kubernetes/pkg/features"
	"k8s.io/utils/ptr"
)

// jobStatusOptions picks the rules for a change of a job's status: each rule holds when something it is about changes, so that a
// status that an older version accepted can still be written. They are the contract for controllers named in spec.managedBy
// (KEP-4368), and ours keeps it too.
func jobStatusOptions(obj, old *batch.Job) validation.JobStatusValidationOptions {
	if !feature.DefaultFeatureGate.Enabled(features.JobManagedBy) {
		return validation.JobStatusValidationOptions{}
	}
	now, before := &obj.Status, &old.Status
	turned := func(condition batch.JobConditionType) bool {
		return validation.IsConditionTrue(before.Conditions, condition) != validation.IsConditionTrue(now.Conditions, condition)
	}
	finished := validation.IsJobFinished(old) != validation.IsJobFinished(obj)
	complete := validation.IsJobComplete(old) != validation.IsJobComplete(obj)
	failed := validation.IsJobFailed(old) != validation.IsJobFailed(obj)
	completedIndexes := before.CompletedIndexes != now.CompletedIndexes
	failedIndexes := !ptr.Equal(before.FailedIndexes, now.FailedIndexes)
	active := before.Active != now.Active
	start := !ptr.Equal(before.StartTime, now.StartTime)
	completion := !ptr.Equal(before.CompletionTime, now.CompletionTime)
	indexed := ptr.Deref(obj.Spec.CompletionMode, batch.NonIndexedCompletion) == batch.IndexedCompletion
	neverStarts := ptr.Equal(obj.Spec.Suspend, ptr.To(true)) && ptr.Equal(obj.Spec.Completions, ptr.To[int32](0))
	resuming := validation.IsConditionTrue(before.Conditions, batch.JobSuspended) &&
		validation.IsConditionFalse(now.Conditions, batch.JobSuspended)
	return validation.JobStatusValidationOptions{
		RejectDecreasingSucceededCounter:             !indexed || !ptr.Equal(obj.Spec.Completions, obj.Spec.Parallelism),
		RejectDecreasingFailedCounter:                true,
		RejectDisablingTerminalCondition:             true,
		RejectInvalidCompletedIndexes:                completedIndexes,
		RejectInvalidFailedIndexes:                   failedIndexes,
		RejectCompletedIndexesForNonIndexedJob:       completedIndexes,
		RejectFailedIndexesForNoBackoffLimitPerIndex: failedIndexes,
		RejectFailedIndexesOverlappingCompleted:      failedIndexes || completedIndexes,
		RejectFailedJobWithoutFailureTarget:          failed || failedIndexes,
		RejectCompleteJobWithoutSuccessCriteriaMet:   complete || turned(batch.JobSuccessCriteriaMet),
		RejectFinishedJobWithActivePods:              finished || active,
		RejectFinishedJobWithoutStartTime:            (finished || start) && !neverStarts,
		RejectFinishedJobWithUncountedTerminatedPods: finished || !equality.Semantic.DeepEqual(before.UncountedTerminatedPods, now.UncountedTerminatedPods),
		RejectStartTimeUpdateForUnsuspendedJob:       start && !resuming,
		RejectCompletionTimeBeforeStartTime:          start || completion,
		RejectMutatingCompletionTime:                 true,
		RejectNotCompleteJobWithCompletionTime:       complete || completion,
		RejectCompleteJobWithoutCompletionTime:       complete || completion,
		RejectCompleteJobWithFailedCondition:         complete || failed,
		RejectCompleteJobWithFailureTargetCondition:  complete || turned(batch.JobFailureTarget),
		RejectMoreReadyThanActivePods:                !ptr.Equal(before.Ready, now.Ready) || active,
		RejectFinishedJobWithTerminatingPods:         finished || !ptr.Equal(before.Terminating, now.Terminating),
	}
}
