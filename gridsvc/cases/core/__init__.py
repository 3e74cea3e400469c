"""Cases (案卷), their procedures, progress, trace and messages; knows no system of the field."""
