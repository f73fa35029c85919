"""From labelled pictures to TFRecords and back: LabelImg folders, splits, records, statistics."""
