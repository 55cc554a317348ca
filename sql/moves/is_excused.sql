-- Whether the instructor asked for another time than the present one and the student has not agreed.
SELECT is_excused FROM lessons WHERE id = :booking_id
